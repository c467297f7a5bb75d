import { openKeyDirectory } from '../../../src/app/key-directory.ts';
import { openKeys } from '../../../src/store/keys.ts';
import { openDatabase } from '../../../src/store/open-database.ts';

/** Printed as JSON by this script. */
export interface LookupFigures {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly bytesPerKey: number;
}

const LOOKUPS = 1_000_000;
const ID_BYTES = 12;

if (import.meta.main) {
  const [dataDir = '', count = ''] = process.argv.slice(2);
  console.log(JSON.stringify(await measureLookups(dataDir, Number(count))));
}

/** Uniform over all keys, nearly none of which was asked for lately. */
async function measureLookups(dataDir: string, count: number): Promise<LookupFigures> {
  const db = openDatabase(dataDir, 'process');
  const directory = openKeyDirectory(openKeys(db), () => {});
  await directory.filled;
  const ids = readIds(db.prepare<[], string>('SELECT id FROM keys').pluck().iterate(), count);
  Bun.gc(true);
  const timesUs = new Float64Array(LOOKUPS);
  // The first half is for the compiler.
  for (let round = -LOOKUPS / 2; round < LOOKUPS; round += 1) {
    const at = Math.floor(Math.random() * count) * ID_BYTES;
    const id = ids.toString('latin1', at, at + ID_BYTES);
    const startedNs = Bun.nanoseconds();
    const key = directory.find(id);
    const endedNs = Bun.nanoseconds();
    if (key === undefined) throw new Error(`no key ${id}`);
    if (round >= 0) timesUs[round] = (endedNs - startedNs) / 1_000;
  }
  timesUs.sort();
  const at = (share: number) => timesUs[Math.floor(LOOKUPS * share)] ?? 0;
  const bytesPerKey = directory.stats().sizeBytes / count;
  directory.close();
  db.close();
  return { p50Us: at(0.5), p99Us: at(0.99), bytesPerKey };
}

/** One buffer: a million strings would be more than what is measured. */
function readIds(ids: Iterable<string>, count: number): Buffer {
  const all = Buffer.alloc(count * ID_BYTES);
  let at = 0;
  for (const id of ids) at += all.write(id, at, 'latin1');
  return all;
}
