import { keyNumber } from '../access/key-number.ts';
import { KeyRecords } from '../access/key-records.ts';
import type { Key } from '../core/key.ts';
import { FILL_ENTRIES, type KeyMemory, openKeyMemory } from '../store/key-memory.ts';

/**
 * Every key in memory, by public id. The store is the truth; this is what a request asks, and a
 * change is put here in the same call that stored it, so it holds for the next request.
 *
 * Keys are kept as short records, because a million objects would be a gigabyte. Those that are
 * asked for are made into objects, and some of the latest are remembered: the limiter, for one,
 * knows a key by its identity.
 */
export interface KeyDirectory {
  find(id: string): Key | undefined;
  put(key: Key): void;
  stats(): KeyDirectoryStats;
  close(): void;
}

export interface KeyDirectoryStats {
  readonly keys: number;
  /** Memory of the records. */
  readonly sizeBytes: number;
  /** Keys remembered as objects. */
  readonly remembered: number;
}

/**
 * Room for keys as objects, about a kilobyte each. A key has two places, by its number; the newer
 * of two keys is pushed to the second by a third. More places would cost more than they save: they
 * keep the collector busy, and a record is read in two microseconds.
 */
const PLACES = 512;

/**
 * Keys read between collections. Each leaves a kilobyte of garbage, and what the heap has once grown
 * to for it, it does not give back.
 */
const KEYS_PER_COLLECTION = 50_000;

/** Reads `keys` to the end. Whoever opens it must close it. */
export function openKeyDirectory(keys: Iterable<Key>): KeyDirectory {
  const directory = new RecordDirectory(openKeyMemory());
  directory.fill(keys);
  return directory;
}

class RecordDirectory implements KeyDirectory {
  readonly #records = new KeyRecords();
  readonly #memory: KeyMemory;
  #inMemory = 0;
  /**
   * Keys that cannot be kept as records by number: two ids that share one, or an id or a time that
   * llmgate issues to nobody. A handful at most, unless somebody wrote them into the database.
   */
  readonly #odd = new Map<string, Key>();
  readonly #recent: (Key | undefined)[] = Array.from({ length: PLACES }, () => undefined);

  constructor(memory: KeyMemory) {
    this.#memory = memory;
  }

  find(id: string): Key | undefined {
    const number = keyNumber(id);
    if (number === undefined) return this.#odd.get(id);
    const place = placeOf(number);
    const newer = this.#recent[place];
    if (newer?.id === id) return newer;
    const older = this.#recent[place + 1];
    if (older?.id === id) return older;
    const key = this.#odd.get(id) ?? this.#read(id, number);
    if (key !== undefined) this.#remember(key, place);
    return key;
  }

  put(key: Key): void {
    const number = this.#keep(key);
    if (number === undefined) return;
    const place = placeOf(number);
    if (this.#recent[place]?.id === key.id) this.#recent[place] = key;
    else this.#remember(key, place);
  }

  stats(): KeyDirectoryStats {
    return {
      keys: this.#inMemory + this.#odd.size,
      sizeBytes: this.#memory.sizeBytes(),
      remembered: this.#recent.filter((key) => key !== undefined).length,
    };
  }

  close(): void {
    this.#memory.close();
  }

  fill(keys: Iterable<Key>): void {
    let batch: Key[] = [];
    let pairs: (number | Uint8Array)[] = [];
    let read = 0;
    for (const key of keys) {
      read += 1;
      if (read % KEYS_PER_COLLECTION === 0) Bun.gc(true);
      const number = keyNumber(key.id);
      const record = this.#records.encode(key);
      batch.push(key);
      if (number !== undefined && record !== undefined) pairs.push(number, record);
      if (batch.length < FILL_ENTRIES) continue;
      const isPlain = pairs.length === 2 * FILL_ENTRIES;
      const added = isPlain ? this.#memory.fill(pairs) : 0;
      this.#inMemory += added;
      if (added < FILL_ENTRIES) for (const each of batch) this.#keep(each);
      batch = [];
      pairs = [];
    }
    for (const key of batch) this.#keep(key);
  }

  /** Gives back the number of the key, if its id has one. */
  #keep(key: Key): number | undefined {
    const number = keyNumber(key.id);
    const record = this.#records.encode(key);
    const known = number === undefined ? undefined : this.#memory.get(number);
    const isAnothers = known !== undefined && this.#records.decode(key.id, known) === undefined;
    if (number === undefined || record === undefined || isAnothers) {
      this.#odd.set(key.id, key);
      return number;
    }
    this.#odd.delete(key.id);
    this.#memory.put(number, record);
    if (known === undefined) this.#inMemory += 1;
    return number;
  }

  #read(id: string, number: number): Key | undefined {
    const record = this.#memory.get(number);
    return record === undefined ? undefined : this.#records.decode(id, record);
  }

  #remember(key: Key, place: number): void {
    this.#recent[place + 1] = this.#recent[place];
    this.#recent[place] = key;
  }
}

/** The first of the two places. Ids are random, and so are the last digits of their numbers. */
function placeOf(number: number): number {
  return (number % (PLACES / 2)) * 2;
}
