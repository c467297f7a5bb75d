import { assert } from '../core/assert.ts';
import { hashPackedId, PACKED_ID_BYTES } from './packed-id.ts';

/** What stands before every record: the length of both together, and the id. */
const LENGTH_BYTES = 2;
const HEAD_BYTES = LENGTH_BYTES + PACKED_ID_BYTES;
export const LARGEST_RECORD = 0xffff - HEAD_BYTES;

const SEGMENT_BITS = 20;
const SEGMENT_BYTES = 1 << SEGMENT_BITS;
/** So that a position fits 32 bits. */
const MOST_SEGMENTS = 4_095;
const SHARD_BITS = 10;
const FIRST_SLOTS = 16;

interface Segment {
  readonly bytes: Buffer;
  /** Where the next record goes. */
  end: number;
  /** Bytes of records that nothing has replaced. */
  live: number;
}

/** Where a record begins. */
export interface FoundRecord {
  readonly bytes: Buffer;
  readonly at: number;
}

/**
 * Records of a million keys in a few large buffers, found by their packed id.
 *
 * A record is appended to the current segment and never changed. One that replaces another leaves
 * a gap behind; a segment that is more than half gaps is emptied into the current one and used
 * again, so what is held is at most about twice what is alive. The index is open addressing in
 * many small tables, because one of a thousand grows in microseconds and one large one does not.
 */
export class RecordTable {
  /** Positions plus one, 0 for an empty slot; each a power of two long. */
  readonly #shards: Uint32Array[];
  readonly #counts = new Uint32Array(1 << SHARD_BITS);
  readonly #segments: Segment[] = [];
  /** Numbers of segments that were emptied. */
  readonly #free: number[] = [];
  #current = -1;
  #size = 0;

  constructor() {
    this.#shards = Array.from({ length: 1 << SHARD_BITS }, () => new Uint32Array(FIRST_SLOTS));
  }

  get size(): number {
    return this.#size;
  }

  /** Memory held for records and their index. */
  get sizeBytes(): number {
    const slots = this.#shards.reduce((sum, shard) => sum + shard.length, 0);
    return this.#segments.length * SEGMENT_BYTES + slots * Uint32Array.BYTES_PER_ELEMENT;
  }

  /** The record of a packed id, or undefined. Good until the next `put`. */
  find(id: Uint8Array): FoundRecord | undefined {
    const hash = hashPackedId(id, 0);
    const shard = this.#shardOf(id, 0);
    const position = shard[this.#slotOf(shard, hash, id, 0)] ?? 0;
    if (position === 0) return undefined;
    const { bytes } = this.#segmentOf(position - 1);
    return { bytes, at: offsetOf(position - 1) + HEAD_BYTES };
  }

  /** Keeps a copy of a record, of at most `LARGEST_RECORD` bytes, in place of the one before. */
  put(id: Uint8Array, record: Buffer): void {
    const length = HEAD_BYTES + record.length;
    const position = this.#makeRoom(length);
    const { bytes } = this.#segmentOf(position);
    const idAt = offsetOf(position) + LENGTH_BYTES;
    bytes.writeUInt16BE(length, offsetOf(position));
    bytes.set(id, idAt);
    record.copy(bytes, idAt + PACKED_ID_BYTES);
    this.#link(position);
  }

  /** Makes the index lead to a record that has just been written. */
  #link(position: number): void {
    const { bytes } = this.#segmentOf(position);
    const idAt = offsetOf(position) + LENGTH_BYTES;
    const hash = hashPackedId(bytes, idAt);
    const shard = this.#shardOf(bytes, idAt);
    const slot = this.#slotOf(shard, hash, bytes, idAt);
    const old = shard[slot] ?? 0;
    shard[slot] = position + 1;
    if (old === 0) this.#grown(shardNumber(bytes, idAt));
    else this.#drop(old - 1);
  }

  /** After one more record; widens the table while a quarter of its slots is still free. */
  #grown(number: number): void {
    const count = (this.#counts[number] ?? 0) + 1;
    this.#counts[number] = count;
    this.#size += 1;
    const old = this.#shards[number];
    if (old === undefined || count * 4 < old.length * 3) return;
    const wider = new Uint32Array(old.length * 2);
    this.#shards[number] = wider;
    for (const position of old) {
      if (position === 0) continue;
      const { bytes } = this.#segmentOf(position - 1);
      const idAt = offsetOf(position - 1) + LENGTH_BYTES;
      wider[this.#slotOf(wider, hashPackedId(bytes, idAt), bytes, idAt)] = position;
    }
  }

  /** The slot of an id: the one that leads to its record, or the empty one where it belongs. */
  #slotOf(shard: Uint32Array, hash: number, id: Uint8Array, idAt: number): number {
    const mask = shard.length - 1;
    let slot = hash & mask;
    for (;;) {
      const position = shard[slot] ?? 0;
      if (position === 0) return slot;
      const { bytes } = this.#segmentOf(position - 1);
      if (isSameId(bytes, offsetOf(position - 1) + LENGTH_BYTES, id, idAt)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Where the next record of a length goes; the index does not know it yet. */
  #makeRoom(length: number): number {
    const room = this.#segments[this.#current];
    if (room === undefined || room.end + length > SEGMENT_BYTES) this.#turnOver();
    const segment = this.#segmentOf(this.#current * SEGMENT_BYTES);
    const position = this.#current * SEGMENT_BYTES + segment.end;
    segment.end += length;
    segment.live += length;
    return position;
  }

  #turnOver(): void {
    const left = this.#current;
    this.#current = this.#free.pop() ?? this.#segments.length;
    assert(this.#current < MOST_SEGMENTS, 'the keys fit four gigabytes');
    this.#segments[this.#current] ??= { bytes: Buffer.alloc(SEGMENT_BYTES), end: 0, live: 0 };
    this.#emptyIfHollow(left);
  }

  #drop(position: number): void {
    const segment = this.#segmentOf(position);
    segment.live -= lengthAt(segment.bytes, offsetOf(position));
    this.#emptyIfHollow(position >>> SEGMENT_BITS);
  }

  /** Moves what is alive in a segment that is mostly gaps to the current one. */
  #emptyIfHollow(number: number): void {
    const segment = this.#segments[number];
    if (segment === undefined || number === this.#current) return;
    if (segment.live >= SEGMENT_BYTES / 2) return;
    const { bytes, end } = segment;
    for (let at = 0; at < end; at += lengthAt(bytes, at)) {
      const idAt = at + LENGTH_BYTES;
      const shard = this.#shardOf(bytes, idAt);
      const slot = this.#slotOf(shard, hashPackedId(bytes, idAt), bytes, idAt);
      if (shard[slot] !== number * SEGMENT_BYTES + at + 1) continue; // Replaced since.
      const length = lengthAt(bytes, at);
      const position = this.#makeRoom(length);
      bytes.copy(this.#segmentOf(position).bytes, offsetOf(position), at, at + length);
      shard[slot] = position + 1;
    }
    segment.end = 0;
    segment.live = 0;
    this.#free.push(number);
  }

  #shardOf(id: Uint8Array, at: number): Uint32Array {
    return this.#shards[shardNumber(id, at)] ?? NO_SLOTS;
  }

  #segmentOf(position: number): Segment {
    return this.#segments[position >>> SEGMENT_BITS] ?? NO_SEGMENT;
  }
}

const NO_SLOTS = new Uint32Array(1);
const NO_SEGMENT: Segment = { bytes: Buffer.alloc(0), end: 0, live: 0 };

/** By the beginning of the id: keys that are read in the order of ids stay near one another. */
function shardNumber(id: Uint8Array, at: number): number {
  return (((id[at] ?? 0) << 8) | (id[at + 1] ?? 0)) >>> (16 - SHARD_BITS);
}

function offsetOf(position: number): number {
  return position & (SEGMENT_BYTES - 1);
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function isSameId(bytes: Uint8Array, at: number, id: Uint8Array, idAt: number): boolean {
  for (let index = 0; index < PACKED_ID_BYTES; index += 1) {
    if (bytes[at + index] !== id[idAt + index]) return false;
  }
  return true;
}
