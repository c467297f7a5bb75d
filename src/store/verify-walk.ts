import { FIRST_PREVIOUS_HASH } from '../audit/chain.ts';
import { EVENT_TEXT_SQL } from '../audit/event-text.ts';
import { checkPacked, countContentLines, toPackedSql } from '../audit/packed-chain.ts';
import type { PurgedRange } from '../audit/purged-range.ts';
import { ATTEMPTS_TEXT_SQL, REQUEST_TEXT_SQL } from '../audit/request-text.ts';
import { type ChainRow, type WalkedStretch, walkChain } from '../audit/walk-chain.ts';
import type { ChainName } from './audit-trail.ts';
import type { Database } from './sqlite.ts';
import type { Walk, WalkOrder } from './verify-message.ts';

/**
 * Rows read in one transaction. Short ones, because a long one would keep the write-ahead log of a
 * running gateway from being emptied; rows are only ever appended, so together they are as good.
 */
const BATCH_ROWS = 1_000;

export interface ChainWalker {
  /** Stops at the first fault. */
  walk(order: WalkOrder): Walk;
}

export function openChainWalker(db: Database): ChainWalker {
  const reader = openStretchReader(db);
  const walkBatch = db.transaction(
    (chain: ChainName, after: ChainPlace, toSeq: number) =>
      walkPacked(reader, chain, after, toSeq) ?? walkRows(reader, chain, after, toSeq),
  );
  return {
    walk({ chain, afterSeq, toSeq }) {
      let after = reader.findStart(chain, afterSeq);
      let rows = 0;
      let contentRows = 0;
      while (after.seq < toSeq) {
        const batch = walkBatch(chain, after, Math.min(after.seq + BATCH_ROWS, toSeq));
        rows += batch.rows;
        contentRows += batch.contentRows;
        if (batch.fault !== null) return { fault: batch.fault, rows, contentRows };
        after = batch.end;
      }
      return { fault: null, rows, contentRows };
    },
  };
}

type ChainPlace = WalkedStretch['end'];

interface WalkedBatch extends WalkedStretch {
  readonly rows: number;
  readonly contentRows: number;
}

/** The quick way, for rows without a gap; undefined where it cannot be gone or finds a fault. */
function walkPacked(
  reader: StretchReader,
  chain: ChainName,
  { seq, hash }: ChainPlace,
  toSeq: number,
): WalkedBatch | undefined {
  if (hash === null) return undefined;
  const [rows, packed] = reader.readPacked(chain, seq, toSeq);
  if (packed === null || rows !== toSeq - seq) return undefined;
  const endings = reader.readAttempts(chain, seq, toSeq);
  const last = checkPacked({ afterSeq: seq, previousHash: hash, packed, endings });
  if (last === null || reader.readRanges(chain, seq, toSeq).length > 0) return undefined;
  const contentRows = chain === 'requests' ? countContentLines(packed) : 0;
  return { fault: null, end: { seq: toSeq, hash: last }, rows, contentRows };
}

function walkRows(
  reader: StretchReader,
  chain: ChainName,
  after: ChainPlace,
  toSeq: number,
): WalkedBatch {
  const attempts = reader.readAttempts(chain, after.seq, toSeq);
  const read = reader.readRows(chain, after.seq, toSeq);
  const contentRows = chain === 'requests' ? read.filter(namesContent).length : 0;
  const rows = read.map(
    ([seq, text, hash]): ChainRow => [seq, text + (attempts.get(seq) ?? ''), hash],
  );
  const ranges = reader.readRanges(chain, after.seq, toSeq);
  const walked = walkChain({ chain, after, toSeq, rows, ranges });
  return { ...walked, rows: rows.length, contentRows };
}

/** Before the attempts are added, a text ends with the line of the reference. */
function namesContent([, text]: ChainRow): boolean {
  return !text.endsWith('\n\n');
}

type StretchReader = ReturnType<typeof openStretchReader>;

function openStretchReader(db: Database) {
  type Bounds = [afterSeq: number, toSeq: number];
  const prepare = (chain: ChainName, rowsSql: string) => ({
    packed: db.prepare<Bounds, readonly [number, string | null]>(toPackedSql(rowsSql)).raw(),
    rows: db.prepare<Bounds, ChainRow>(rowsSql).raw(),
    hash: db
      .prepare<[number], string>(`SELECT lower(hex(hash)) FROM ${chain} WHERE seq = ?`)
      .pluck(),
  });
  const select = {
    requests: prepare('requests', REQUEST_TEXT_SQL),
    admin_events: prepare('admin_events', EVENT_TEXT_SQL),
  };
  const selectAttempts = db.prepare<Bounds, readonly [number, string]>(ATTEMPTS_TEXT_SQL).raw();
  const selectRanges = db.prepare<[string, ...Bounds], PurgedRange>(
    `SELECT chain, from_seq AS fromSeq, to_seq AS toSeq, lower(hex(before_hash)) AS beforeHash,
       lower(hex(last_hash)) AS lastHash, rows, sums
     FROM purged_ranges WHERE chain = ? AND to_seq > ? AND from_seq <= ? ORDER BY from_seq`,
  );
  const selectPurgedHash = db
    .prepare<[string, number], string>(
      'SELECT lower(hex(last_hash)) FROM purged_ranges WHERE chain = ? AND to_seq = ?',
    )
    .pluck();

  return {
    readPacked: (chain: ChainName, ...bounds: Bounds) =>
      select[chain].packed.get(...bounds) ?? ([0, null] as const),
    readRows: (chain: ChainName, ...bounds: Bounds) => select[chain].rows.all(...bounds),
    readAttempts: (chain: ChainName, ...bounds: Bounds): ReadonlyMap<number, string> =>
      new Map(chain === 'requests' ? selectAttempts.all(...bounds) : []),
    readRanges: (chain: ChainName, ...bounds: Bounds) => selectRanges.all(chain, ...bounds),
    /** An unknown hash when the row is gone: that is for whoever walks up to it to say. */
    findStart(chain: ChainName, seq: number): ChainPlace {
      if (seq === 0) return { seq, hash: FIRST_PREVIOUS_HASH };
      const hash = select[chain].hash.get(seq) ?? selectPurgedHash.get(chain, seq);
      return { seq, hash: hash ?? null };
    },
  };
}
