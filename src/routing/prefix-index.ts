/** Entries compared at one place of the table; the one unused longest makes room. */
const WAYS = 8;
/** Replicas that an entry tells apart; further ones share a number with an earlier one. */
export const PREFIX_SLOTS = 64;

/**
 * Which replica has probably read which beginning of a prompt, learnt from our own decisions
 * without a word from an engine. A table of fixed size in which a hash has eight possible places:
 * learning into a full place forgets what was used there longest ago. Hashes of all models share
 * it; a wrong answer costs a cache miss, nothing else.
 */
export class PrefixIndex {
  readonly #hashes: Uint32Array;
  /** Bit per slot, 0 to 31 and 32 to 63. */
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  /** When it was last learnt, in decisions. */
  readonly #usedAt: Uint32Array;
  readonly #shift: number;
  #decisions = 0;
  #entries = 0;

  /** `capacity` is rounded up to a power of two. */
  constructor(capacity: number) {
    const bits = Math.max(1, Math.ceil(Math.log2(capacity / WAYS)));
    const size = 2 ** bits * WAYS;
    this.#shift = 32 - bits;
    this.#hashes = new Uint32Array(size);
    this.#low = new Uint32Array(size);
    this.#high = new Uint32Array(size);
    this.#usedAt = new Uint32Array(size);
  }

  get entries(): number {
    return this.#entries;
  }

  /** The replica of `slot` gets a prompt with this chain. */
  learn(prefix: Uint32Array, slot: number): void {
    this.#decisions = (this.#decisions + 1) >>> 0;
    const low = slot < 32 ? 1 << slot : 0;
    const high = slot < 32 ? 0 : 1 << (slot - 32);
    for (let block = 0; block < prefix.length; block += 1) {
      const at = this.#place(prefix[block] ?? 0);
      this.#low[at] = (this.#low[at] ?? 0) | low;
      this.#high[at] = (this.#high[at] ?? 0) | high;
      this.#usedAt[at] = this.#decisions;
    }
  }

  /**
   * How many leading blocks the replicas of `slots` (the first `count` of them) have, written to
   * `depths`. Returns the largest.
   */
  match(prefix: Uint32Array, slots: Uint8Array, count: number, depths: Uint32Array): number {
    let low = 0;
    let high = 0;
    for (let index = 0; index < count; index += 1) {
      const slot = slots[index] ?? 0;
      if (slot < 32) low |= 1 << slot;
      else high |= 1 << (slot - 32);
      depths[index] = 0;
    }
    let deepest = 0;
    for (let block = prefix.length - 1; block >= 0 && (low | high) !== 0; block -= 1) {
      const at = this.#find(prefix[block] ?? 0);
      if (at === -1) continue;
      const foundLow = (this.#low[at] ?? 0) & low;
      const foundHigh = (this.#high[at] ?? 0) & high;
      if ((foundLow | foundHigh) === 0) continue;
      if (deepest === 0) deepest = block + 1;
      low &= ~foundLow;
      high &= ~foundHigh;
      for (let index = 0; index < count; index += 1) {
        const slot = slots[index] ?? 0;
        const bit = slot < 32 ? foundLow & (1 << slot) : foundHigh & (1 << (slot - 32));
        if (bit !== 0 && depths[index] === 0) depths[index] = block + 1;
      }
    }
    return deepest;
  }

  /** The slot is another replica's from now on. */
  forget(slot: number): void {
    const bits = slot < 32 ? this.#low : this.#high;
    const kept = ~(1 << (slot & 31));
    for (let at = 0; at < bits.length; at += 1) bits[at] = (bits[at] ?? 0) & kept;
  }

  #find(hash: number): number {
    const key = hash === 0 ? 1 : hash;
    const first = this.#firstPlace(key);
    for (let at = first; at < first + WAYS; at += 1) if (this.#hashes[at] === key) return at;
    return -1;
  }

  /** Where the hash is, or where it is put instead of the oldest. 0 marks an empty place. */
  #place(hash: number): number {
    const key = hash === 0 ? 1 : hash;
    const first = this.#firstPlace(key);
    let oldest = first;
    let longest = -1;
    for (let at = first; at < first + WAYS; at += 1) {
      const there = this.#hashes[at];
      if (there === key) return at;
      const age =
        there === 0 ? Number.POSITIVE_INFINITY : (this.#decisions - (this.#usedAt[at] ?? 0)) >>> 0;
      if (age > longest) {
        longest = age;
        oldest = at;
      }
    }
    if (this.#hashes[oldest] === 0) this.#entries += 1;
    this.#hashes[oldest] = key;
    this.#low[oldest] = 0;
    this.#high[oldest] = 0;
    return oldest;
  }

  /** Multiplied, so that chains that are not random bits spread as well (Knuth's constant). */
  #firstPlace(key: number): number {
    return (Math.imul(key, 0x9e37_79b1) >>> this.#shift) * WAYS;
  }
}
