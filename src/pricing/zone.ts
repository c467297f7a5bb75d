/** The moment from which a zone keeps another time. */
export interface OffsetChange {
  readonly atMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** How far the clocks of one time zone are from UTC, and when that changes. */
export interface Zone {
  /** IANA name. */
  readonly name: string;
  /** Local time less UTC. */
  offsetMs(timeMs: number): number;
  /** Changes after `fromMs`, up to and including `toMs`, oldest first. */
  changes(fromMs: number, toMs: number): readonly OffsetChange[];
}

export const UTC: Zone = { name: 'UTC', offsetMs: () => 0, changes: () => [] };

/** No zone has ever been further from UTC: Manila before 1845, Alaska before 1867. */
export const MAX_OFFSET_MS = 16 * 3_600_000;

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const BLOCK_DAYS = 32;
const BLOCK_MS = BLOCK_DAYS * DAY_MS;

/** Seven years of calendar; a clock that jumps about drops all and begins again. */
const MAX_BLOCKS = 80;

/** Throws RangeError for a name that is no time zone. */
export function createZone(name: string): Zone {
  return name === 'UTC' ? UTC : new IntlZone(name);
}

interface Block {
  readonly offsetMs: number;
  readonly changes: readonly OffsetChange[];
}

/**
 * Intl knows the offset of a moment, not when it changes. So the changes of 32 days at a time are
 * searched once, in some 30 µs, and looked up from then on.
 */
class IntlZone implements Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #blocks = new Map<number, Block>();

  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      timeZoneName: 'longOffset',
    });
  }

  offsetMs(timeMs: number): number {
    const block = this.#block(Math.floor(timeMs / BLOCK_MS));
    let { offsetMs } = block;
    for (const change of block.changes) {
      if (change.atMs > timeMs) break;
      offsetMs = change.afterMs;
    }
    return offsetMs;
  }

  changes(fromMs: number, toMs: number): readonly OffsetChange[] {
    const found: OffsetChange[] = [];
    const last = Math.floor(toMs / BLOCK_MS);
    for (let index = Math.floor(fromMs / BLOCK_MS); index <= last; index += 1) {
      for (const change of this.#block(index).changes) {
        if (change.atMs > fromMs && change.atMs <= toMs) found.push(change);
      }
    }
    return found;
  }

  #block(index: number): Block {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    if (this.#blocks.size >= MAX_BLOCKS) this.#blocks.clear();
    const block = this.#search(index * BLOCK_MS);
    this.#blocks.set(index, block);
    return block;
  }

  /** No zone changes twice in a day, so one look a day misses nothing. */
  #search(startMs: number): Block {
    const changes: OffsetChange[] = [];
    // From the last second before, so that a change at the very start belongs to this block.
    let fromMs = startMs - SECOND_MS;
    let beforeMs = this.#ask(fromMs);
    const offsetMs = beforeMs;
    for (let day = 1; day <= BLOCK_DAYS; day += 1) {
      const toMs = startMs + day * DAY_MS - SECOND_MS;
      const afterMs = this.#ask(toMs);
      if (afterMs !== beforeMs) {
        changes.push({ atMs: this.#firstAfter(fromMs, toMs, beforeMs), beforeMs, afterMs });
      }
      fromMs = toMs;
      beforeMs = afterMs;
    }
    return { offsetMs, changes };
  }

  /** The first whole second whose offset is no longer `beforeMs`. */
  #firstAfter(fromMs: number, toMs: number, beforeMs: number): number {
    let [low, high] = [fromMs, toMs];
    while (high - low > SECOND_MS) {
      const middle = low + Math.floor((high - low) / 2 / SECOND_MS) * SECOND_MS;
      if (this.#ask(middle) === beforeMs) low = middle;
      else high = middle;
    }
    return high;
  }

  #ask(timeMs: number): number {
    const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(this.#format.format(timeMs));
    if (match === null) throw new Error(`the offset of ${this.name} cannot be told`);
    const [, sign, hours, minutes, seconds = 0] = match;
    if (sign === undefined) return 0;
    const offset = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * SECOND_MS;
    return sign === '-' ? -offset : offset;
  }
}
