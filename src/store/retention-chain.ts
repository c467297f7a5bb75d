import { checkPurges } from '../audit/check-purges.ts';
import { GateError } from '../core/error.ts';
import { readAdminHead } from './audit-events.ts';
import type { ChainName } from './audit-trail.ts';
import { openLegalHolds } from './legal-holds.ts';
import { readRequestsHead } from './requests-head.ts';
import type { Steps } from './requests-walk.ts';
import { NOTHING_PURGED, type PurgeOrder, type PurgeResult } from './retention.ts';
import { openPortionGatherer, type Portion, type RangeLimits } from './retention-gather.ts';
import type { PurgedRanges } from './retention-ranges.ts';
import { openRowRemover, type SmallWrites } from './retention-remove.ts';
import { openEventSums, openRequestSums } from './retention-sums.ts';
import { rolledUpSeq } from './rollup.ts';
import type { Database } from './sqlite.ts';
import { readLastReceipt } from './verify-survey.ts';

// A purge declares first and removes then. One transaction writes the ranges, with what their rows
// add up to, and the receipt `purge.start`; from that moment the rows count as purged for whoever
// reads the chain or the books. They are removed after it in small transactions, and a last one
// joins ranges that lie side by side and writes `purge.done`. A process killed in between leaves
// rows that are still there although they count as purged: the next one removes these first.

export interface ChainPurge {
  purge(order: PurgeOrder): Steps<PurgeResult>;
  /** Removes what a purge had declared and a crash kept it from removing. Returns how many rows. */
  finish(atMs: number): Steps<number>;
}

interface ChainPurgeParts {
  readonly ranges: PurgedRanges;
  readonly writes: SmallWrites;
  readonly limits: RangeLimits;
}

export function openChainPurge(
  db: Database,
  chain: ChainName,
  { ranges, writes, limits }: ChainPurgeParts,
): ChainPurge {
  const holds = openLegalHolds(db);
  const sums = chain === 'requests' ? openRequestSums(db) : openEventSums(db);
  const gatherer = openPortionGatherer(db, chain, { ranges, sums, limits });
  const remove = openRowRemover(db, chain, writes);
  // Of one moment: a hold that is placed after it is seen when the ranges are declared.
  const begin = db.transaction(() => (gatherer.begin() ? holds.stamp() : null));

  function* removeDeclared(fromSeq: number, toSeq: number): Steps<void> {
    const declared = ranges.read().filter((range) => range.chain === chain);
    for (const range of declared.toReversed()) {
      if (range.toSeq < fromSeq || range.fromSeq > toSeq) continue;
      yield* remove(range.fromSeq, range.toSeq);
    }
  }

  const concludeWith = (atMs: number, facts: Readonly<Record<string, unknown>>): void => {
    const receipt = { action: 'purge.done', target: chain, atMs, facts } as const;
    ranges.conclude(chain, sums, receipt);
  };

  return {
    *purge(order) {
      const { atMs } = order;
      const stamp = begin();
      const nothing = { ...NOTHING_PURGED, nextSeq: order.afterSeq, cutoffMs: order.cutoffMs };
      if (stamp === null) return nothing;
      checkReceipt(db, ranges);
      const portion = yield* gatherer.gather(
        order,
        Math.min(order.upToSeq, findLastSeq(db, chain)),
      );
      const { nextSeq, cutoffMs, isDone, fault, rows } = portion;
      if (rows === 0) return { rows, nextSeq, cutoffMs, isDone, fault };
      const bounds = toBounds(chain, portion);
      const isDeclared = ranges.declare(
        portion.ranges,
        { action: 'purge.start', target: chain, atMs, facts: toFacts(bounds, portion) },
        () => holds.stamp() === stamp,
      );
      // What is held has changed meanwhile: the next portion begins where this one did.
      if (!isDeclared) return { ...nothing, isDone: false };
      yield;
      yield* removeDeclared(bounds.from_seq, bounds.to_seq);
      concludeWith(atMs, { ...bounds, rows });
      return { rows, nextSeq, cutoffMs, isDone, fault };
    },
    *finish(atMs) {
      const receipt = readLastReceipt(db);
      if (receipt?.stage !== 'start' || receipt.chain !== chain) return 0;
      checkReceipt(db, ranges);
      const { fromSeq, toSeq } = receipt;
      const count = db.prepare<[number, number], number>(
        `SELECT coalesce(sum(rows), 0) FROM purged_ranges
         WHERE chain = '${chain}' AND from_seq >= ? AND to_seq <= ?`,
      );
      const rows = count.pluck().get(fromSeq, toSeq) ?? 0;
      yield* removeDeclared(fromSeq, toSeq);
      concludeWith(atMs, { chain, from_seq: fromSeq, to_seq: toSeq, rows, resumed: true });
      return rows;
    },
  };
}

/** The newest row is what the chain goes on from; requests that are in no sum yet must not go. */
function findLastSeq(db: Database, chain: ChainName): number {
  if (chain === 'admin_events') return readAdminHead(db).seq - 1;
  return Math.min(readRequestsHead(db).seq - 1, rolledUpSeq(db));
}

/** A new receipt over ranges that somebody changed would make them good. */
function checkReceipt(db: Database, ranges: PurgedRanges): void {
  const fault = db.transaction(() => checkPurges(ranges.read(), readLastReceipt(db)))();
  if (fault === null) return;
  const message = `Nothing is purged any more: ${fault.message}; "llmgate audit verify" says more.`;
  throw new GateError('store_unavailable', message);
}

interface Bounds {
  readonly chain: ChainName;
  readonly from_seq: number;
  readonly to_seq: number;
}

function toBounds(chain: ChainName, { ranges }: Portion): Bounds {
  const from = ranges[0]?.fromSeq ?? 0;
  return { chain, from_seq: from, to_seq: ranges.at(-1)?.toSeq ?? from };
}

function toFacts(bounds: Bounds, portion: Portion) {
  return {
    ...bounds,
    rows: portion.rows,
    new_ranges: portion.ranges.length,
    ended_before: new Date(portion.cutoffMs).toISOString(),
    kept_for_holds: portion.held,
    intact: portion.fault === null,
    ...(portion.fault === null ? {} : { fault: portion.fault }),
  };
}
