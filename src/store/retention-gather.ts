import type { PurgedRange } from '../audit/purged-range.ts';
import type { ChainName } from './audit-trail.ts';
import type { Steps } from './requests-walk.ts';
import type { PurgeOrder } from './retention.ts';
import { openPurgePlanner, type PurgeRun } from './retention-plan.ts';
import type { PurgedRanges } from './retention-ranges.ts';
import type { PurgedSums } from './retention-sums.ts';
import type { Database } from './sqlite.ts';
import { openChainWalker } from './verify-walk.ts';

/** What one portion removes at most, so that its receipt, its sums and its time are bounded. */
const PORTION_MAX = { rows: 100_000, sums: 4_000, ranges: 100 } as const;

/**
 * A hold can leave rows standing everywhere, and between any two of them a range. Up to so many
 * that does not matter; past it, what lies between two held rows stays too unless it is long.
 */
export const RANGE_LIMITS: RangeLimits = { many: 1_000, rowsWorthOne: 1_000 };

export interface RangeLimits {
  readonly many: number;
  readonly rowsWorthOne: number;
}

/** Rows of a chain that may go, as ranges that are not declared yet. */
export interface Portion {
  readonly ranges: readonly PurgedRange[];
  readonly rows: number;
  readonly held: number;
  readonly nextSeq: number;
  readonly cutoffMs: number;
  readonly isDone: boolean;
  /** The first fault in the rows that are to go: once they are gone nobody will find it. */
  readonly fault: string | null;
}

export interface PortionGatherer {
  /** Learns what is held now. False when nothing of the chain may be removed at all. */
  begin(): boolean;
  gather(order: PurgeOrder, lastSeq: number): Steps<Portion>;
}

interface GathererParts {
  readonly ranges: PurgedRanges;
  readonly sums: PurgedSums;
  readonly limits: RangeLimits;
}

export function openPortionGatherer(
  db: Database,
  chain: ChainName,
  parts: GathererParts,
): PortionGatherer {
  const planner = openPurgePlanner(db, chain);
  const walker = openChainWalker(db);
  return {
    begin: planner.begin,
    *gather(order, lastSeq) {
      const portion = createPortion(chain, parts);
      let { cutoffMs, afterSeq } = order;
      let isBegun = order.maxSpanMs === Number.POSITIVE_INFINITY && order.slackMs === 0;
      let firstYoungSeq: number | null = null;
      let held = 0;
      let isLast = false;
      while (!isLast && !portion.isFull()) {
        let plan = planner.window({ cutoffMs, afterSeq, lastSeq });
        if (!isBegun && plan.firstEndedAtMs !== null) {
          isBegun = true;
          if (plan.firstEndedAtMs >= cutoffMs - order.slackMs) break;
          cutoffMs = Math.min(cutoffMs, plan.firstEndedAtMs + order.maxSpanMs);
          plan = planner.window({ cutoffMs, afterSeq, lastSeq });
        }
        afterSeq = plan.endSeq;
        for (const run of plan.runs) {
          if (portion.isFull()) {
            afterSeq = run.fromSeq - 1;
            break;
          }
          const { fault } = walker.walk({ chain, afterSeq: run.fromSeq - 1, toSeq: run.toSeq });
          portion.add(run, fault?.message ?? null);
        }
        isLast = plan.isLast && afterSeq === plan.endSeq;
        firstYoungSeq ??= plan.firstYoungSeq;
        held += plan.held;
        yield;
      }
      const { ranges, fault, firstOpenSeq } = portion.end();
      const rows = ranges.reduce((sum, range) => sum + range.rows, 0);
      const nextSeq = Math.min(afterSeq, (firstYoungSeq ?? Infinity) - 1, firstOpenSeq - 1);
      return { ranges, rows, held, nextSeq, cutoffMs, fault, isDone: isLast || !portion.isFull() };
    },
  };
}

/** Puts runs together across windows and drops those that are not worth a range. */
function createPortion(chain: ChainName, { ranges, sums, limits }: GathererParts) {
  const known = ranges.read().filter((range) => range.chain === chain);
  const [starts, ends] = [new Set<number>(), new Set<number>()];
  for (const { fromSeq, toSeq } of known) {
    starts.add(fromSeq);
    ends.add(toSeq);
  }
  const gathered: PurgedRange[] = [];
  let open: { readonly run: PurgeRun; readonly fault: string | null } | undefined;
  let fault: string | null = null;
  let firstOpenSeq = Number.POSITIVE_INFINITY;
  let rows = 0;
  let closedSums = 0;
  sums.clear();

  const isWorthIt = ({ fromSeq, toSeq }: PurgeRun): boolean =>
    known.length + gathered.length < limits.many ||
    toSeq - fromSeq + 1 >= limits.rowsWorthOne ||
    ends.has(fromSeq - 1) ||
    starts.has(toSeq + 1);

  const isFull = (): boolean =>
    rows >= PORTION_MAX.rows ||
    closedSums + sums.count() >= PORTION_MAX.sums ||
    gathered.length >= PORTION_MAX.ranges;

  function close(isCut: boolean): void {
    if (open === undefined) return;
    const { run } = open;
    if (isCut || isWorthIt(run)) {
      gathered.push(ranges.describe(chain, run.fromSeq, run.toSeq, sums.render()));
      fault ??= open.fault;
      closedSums += sums.count();
    } else {
      rows -= run.toSeq - run.fromSeq + 1;
      if (run.isOpen) firstOpenSeq = Math.min(firstOpenSeq, run.fromSeq);
    }
    sums.clear();
    open = undefined;
  }

  return {
    isFull,
    add(run: PurgeRun, runFault: string | null): void {
      if (open !== undefined && open.run.toSeq + 1 !== run.fromSeq) close(false);
      sums.addRows(run.fromSeq - 1, run.toSeq);
      rows += run.toSeq - run.fromSeq + 1;
      const fromSeq = open?.run.fromSeq ?? run.fromSeq;
      open = { run: { ...run, fromSeq }, fault: open?.fault ?? runFault };
    },
    end() {
      close(isFull());
      return { ranges: gathered, fault, firstOpenSeq };
    },
  };
}
