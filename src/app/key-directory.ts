import { KeyRecords } from '../access/key-records.ts';
import { hashPackedId, PACKED_ID_BYTES, packId } from '../access/packed-id.ts';
import { RecordTable } from '../access/record-table.ts';
import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
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
  /** Memory of the records and their index. */
  readonly sizeBytes: number;
  /** Keys remembered as objects. */
  readonly remembered: number;
}

/**
 * Room for keys as objects, about a kilobyte each. A key has two places, by its id; the newer of
 * two keys is pushed to the second by a third. More places would cost more than they save: they
 * keep the collector busy, and a record is read in a microsecond.
 */
const PLACES = 512;

/** Read in one turn, for about a millisecond. */
const KEYS_PER_TURN = 256;

export type KeySource = Pick<KeyStore, 'find' | 'page'>;

/** Whoever opens it must close it. `onFailure` is told when the keys cannot all be read. */
export function openKeyDirectory(
  store: KeySource,
  onFailure: (cause: unknown) => void,
): KeyDirectory {
  const directory = new RecordDirectory(store);
  directory.filled.catch(onFailure);
  return directory;
}

class RecordDirectory implements KeyDirectory {
  readonly filled: Promise<void>;
  readonly #store: KeySource;
  readonly #table = new RecordTable();
  readonly #records = new KeyRecords();
  readonly #recent: (Key | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  /** Keys that have no packed form. llmgate issues none, but a database may hold some. */
  readonly #odd = new Map<string, Key>();
  readonly #packed = new Uint8Array(PACKED_ID_BYTES);
  #isFilled = false;
  #isClosed = false;

  constructor(store: KeySource) {
    this.#store = store;
    this.filled = this.#fill();
  }

  find(id: string): Key | undefined {
    const place = this.#placeOf(id);
    if (place === undefined) return this.#odd.get(id) ?? this.#findInStore(id);
    const newer = this.#recent[place];
    if (newer?.id === id) return newer;
    const older = this.#recent[place + 1];
    if (older?.id === id) return older;
    const key = this.#odd.get(id) ?? this.#read(id) ?? this.#findInStore(id);
    if (key !== undefined) this.#remember(key, place);
    return key;
  }

  put(key: Key): void {
    this.#keep(key);
    const place = this.#placeOf(key.id);
    if (place === undefined) return;
    if (this.#recent[place]?.id === key.id) this.#recent[place] = key;
    else this.#remember(key, place);
  }

  stats(): KeyDirectoryStats {
    return {
      keys: this.#table.size + this.#odd.size,
      sizeBytes: this.#table.sizeBytes,
      remembered: this.#recent.filter((key) => key !== undefined).length,
    };
  }

  close(): void {
    this.#isClosed = true;
  }

  async #fill(): Promise<void> {
    let after: string | null = null;
    while (!this.#isClosed) {
      // As new as what was put here since the start, because both are what the store has now.
      const page: Key[] = this.#store.page(after, KEYS_PER_TURN);
      for (const key of page) this.#keep(key);
      after = page.at(-1)?.id ?? after;
      if (page.length < KEYS_PER_TURN) {
        this.#isFilled = true;
        return;
      }
      await new Promise((turn) => setImmediate(turn));
    }
  }

  #keep(key: Key): void {
    const record = this.#records.encode(key);
    if (record === undefined || !packId(key.id, this.#packed)) {
      this.#odd.set(key.id, key);
      return;
    }
    this.#odd.delete(key.id);
    this.#table.put(this.#packed, record);
  }

  /** After `#placeOf`, which leaves the packed id. */
  #read(id: string): Key | undefined {
    const found = this.#table.find(this.#packed);
    return found === undefined ? undefined : this.#records.decode(id, found);
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

  /** The first of the two places; undefined for an id that cannot be packed. */
  #placeOf(id: string): number | undefined {
    if (!packId(id, this.#packed)) return undefined;
    return (hashPackedId(this.#packed, 0) % (PLACES / 2)) * 2;
  }

  #remember(key: Key, place: number): void {
    this.#recent[place + 1] = this.#recent[place];
    this.#recent[place] = key;
  }
}
