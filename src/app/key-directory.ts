import { keyNumber } from '../access/key-number.ts';
import { KeyRecords } from '../access/key-records.ts';
import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { FILL_ENTRIES, type KeyMemory, openKeyMemory } from '../store/key-memory.ts';
import type { KeyStore } from '../store/store.ts';

/**
 * Every key in memory, by public id. The store is the truth; this is what a request asks, and a
 * change is put here in the same call that stored it, so it holds for the next request.
 *
 * Keys are kept as short records, because a million objects would be a gigabyte. Those that are
 * asked for are made into objects, and some of the latest are remembered. They are read beside the
 * first requests, a page in each turn of the event loop: until all are here, a key that is not is
 * looked up in the store.
 */
export interface KeyDirectory {
  /** Throws `store_unavailable` when a key that is not here yet cannot be read. */
  find(id: string): Key | undefined;
  put(key: Key): void;
  stats(): KeyDirectoryStats;
  /** Resolves when every key is here; rejects with what the store threw, and then none is missed. */
  readonly filled: Promise<void>;
  close(): void;
}

export interface KeyDirectoryStats {
  /** Those that are here. */
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

/** Read in one turn, for about a millisecond. */
const KEYS_PER_TURN = 8 * FILL_ENTRIES;

export type KeySource = Pick<KeyStore, 'find' | 'page'>;

/** Whoever opens it must close it. `onFailure` is told when the keys cannot all be read. */
export function openKeyDirectory(
  store: KeySource,
  onFailure: (cause: unknown) => void,
): KeyDirectory {
  const directory = new RecordDirectory(store, openKeyMemory());
  directory.filled.catch(onFailure);
  return directory;
}

class RecordDirectory implements KeyDirectory {
  readonly filled: Promise<void>;
  readonly #store: KeySource;
  readonly #memory: KeyMemory;
  readonly #records = new KeyRecords();
  readonly #recent: (Key | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  /**
   * Keys that cannot be kept as records by number: two ids that share one, or an id or a time that
   * llmgate issues to nobody. A handful at most, unless somebody wrote them into the database.
   */
  readonly #odd = new Map<string, Key>();
  #inMemory = 0;
  #isFilled = false;
  #isClosed = false;

  constructor(store: KeySource, memory: KeyMemory) {
    this.#store = store;
    this.#memory = memory;
    this.filled = this.#fill();
  }

  find(id: string): Key | undefined {
    const number = keyNumber(id);
    if (number === undefined) return this.#odd.get(id) ?? this.#findInStore(id);
    const place = placeOf(number);
    const newer = this.#recent[place];
    if (newer?.id === id) return newer;
    const older = this.#recent[place + 1];
    if (older?.id === id) return older;
    const key = this.#odd.get(id) ?? this.#read(id, number) ?? this.#findInStore(id);
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
    this.#isClosed = true;
    this.#memory.close();
  }

  async #fill(): Promise<void> {
    let after: string | null = null;
    while (!this.#isClosed) {
      const page: Key[] = this.#store.page(after, KEYS_PER_TURN);
      this.#add(page);
      after = page.at(-1)?.id ?? after;
      if (page.length < KEYS_PER_TURN) {
        this.#isFilled = true;
        return;
      }
      await new Promise((turn) => setImmediate(turn));
    }
  }

  /** Keys as they are in the store now. What was put here since the start is as new. */
  #add(page: readonly Key[]): void {
    for (let at = 0; at < page.length; at += FILL_ENTRIES) {
      const batch = page.slice(at, at + FILL_ENTRIES);
      const added = this.#addAtOnce(batch);
      this.#inMemory += added;
      if (added < batch.length) for (const key of batch) this.#keep(key);
    }
  }

  /** How many of a batch were added: all, or some or none when they need a closer look. */
  #addAtOnce(batch: readonly Key[]): number {
    const pairs: (number | Uint8Array)[] = [];
    for (const key of batch) {
      const number = keyNumber(key.id);
      const record = this.#records.encode(key);
      if (number !== undefined && record !== undefined) pairs.push(number, record);
    }
    return pairs.length === 2 * FILL_ENTRIES ? this.#memory.fill(pairs) : 0;
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

  #findInStore(id: string): Key | undefined {
    if (this.#isFilled) return undefined;
    try {
      const key = this.#store.find(id);
      // The store also finds keys by their names.
      return key?.id === id ? key : undefined;
    } catch (cause) {
      throw new GateError('store_unavailable', 'The key could not be looked up.', { cause });
    }
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
