import { expect, test } from 'vitest';
import { PACKED_ID_BYTES } from '../../../src/access/packed-id.ts';
import { LARGEST_RECORD, RecordTable } from '../../../src/access/record-table.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';

const MEGABYTE = 2 ** 20;

function randomIds(count: number, random: SeededRandom): Uint8Array[] {
  return Array.from({ length: count }, () =>
    Uint8Array.from({ length: PACKED_ID_BYTES }, () => random.int(256)),
  );
}

/** A record that says which it is and how long it is. */
function record(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length, seed % 251);
  bytes.writeUInt32BE(seed, 0);
  bytes.writeUInt32BE(length, 4);
  return bytes;
}

function read(table: RecordTable, id: Uint8Array): Buffer | undefined {
  const found = table.find(id);
  if (found === undefined) return undefined;
  const { bytes, at } = found;
  return bytes.subarray(at, at + bytes.readUInt32BE(at + 4));
}

test.each([1, 2])(
  'holds what a map of the same records has, however often they are replaced (seed %i)',
  (seed) => {
    const random = createSeededRandom(seed);
    const ids = randomIds(400, random);
    const map = new Map<Uint8Array, Buffer>();
    const table = new RecordTable();
    for (let step = 0; step < 20_000; step += 1) {
      // Some are replaced all the time and most hardly ever, so segments are left with a few alive.
      const id =
        ids[random.int(2) === 0 ? random.int(8) : random.int(ids.length)] ?? new Uint8Array(9);
      const bytes = record(step, 8 + random.int(2_000));
      map.set(id, bytes);
      table.put(id, bytes);
      const other = random.pick(ids);
      expect(read(table, other)?.equals(map.get(other) ?? Buffer.alloc(0))).toBe(
        map.has(other) ? true : undefined,
      );
    }
    for (const id of ids) expect(read(table, id)).toEqual(map.get(id));
    expect(table.size).toBe(map.size);
    // Four hundred records of a kilobyte, replaced fifty times each.
    expect(table.sizeBytes).toBeLessThan(4 * MEGABYTE);
  },
);

test('one record that is replaced for ever takes no more than two segments', () => {
  const table = new RecordTable();
  const [id = new Uint8Array(9), other = new Uint8Array(9)] = randomIds(2, createSeededRandom(4));
  table.put(other, record(1, 100));
  for (let step = 0; step < 200; step += 1) table.put(id, record(step, LARGEST_RECORD));
  expect(table.sizeBytes).toBeLessThan(3 * MEGABYTE);
  expect(read(table, other)).toEqual(record(1, 100));
  expect(read(table, id)).toEqual(record(199, LARGEST_RECORD));
});

test('one record that stays does not keep a segment of replaced ones', () => {
  const table = new RecordTable();
  const ids = randomIds(40, createSeededRandom(6));
  for (const id of ids) {
    for (let step = 0; step < 16; step += 1) table.put(id, record(step, LARGEST_RECORD));
  }
  // Forty records of 64 KB.
  expect(table.sizeBytes).toBeLessThan(7 * MEGABYTE);
  for (const id of ids) expect(read(table, id)).toEqual(record(15, LARGEST_RECORD));
});

test('many ids with the same beginning', () => {
  const table = new RecordTable();
  const id = new Uint8Array(PACKED_ID_BYTES);
  for (let count = 0; count < 20_000; count += 1) {
    new DataView(id.buffer).setUint32(5, count);
    table.put(id, record(count, 8));
  }
  for (let count = 0; count < 20_000; count += 1) {
    new DataView(id.buffer).setUint32(5, count);
    if (!read(table, id)?.equals(record(count, 8))) throw new Error(`record ${count} is lost`);
  }
  new DataView(id.buffer).setUint32(5, 20_000);
  expect(table.find(id)).toBeUndefined();
});
