import type { AuditFault } from '../audit/audit-fault.ts';
import { listUnknowns } from '../audit/list-unknowns.ts';
import { CHAINS, type ChainHead, type ChainName } from './audit-trail.ts';
import type { Survey, SurveyOrder, Walk } from './verify-message.ts';
import { type OpenVerifyThread, openVerifyThread, type VerifyThread } from './verify-thread.ts';

/** Rows that a thread is given at once: a fraction of a second, so that all end at the same time. */
const STRETCH_ROWS = 50_000;

export interface VerifyOrder extends SurveyOrder {
  readonly databasePath: string;
  /** Reads only what came after the newest checkpoint that agrees. */
  readonly sinceCheckpoint: boolean;
  readonly threads: number;
  /** Called now and then with how many rows were read, of how many. */
  readonly onProgress?: (rows: number, ofRows: number) => void;
}

/** What a verification found. */
export interface AuditVerification {
  /** True when nothing is wrong. What could not be known is in `unknowns` all the same. */
  readonly ok: boolean;
  readonly chains: Readonly<Record<ChainName, VerifiedChain>>;
  /** The first in each chain and each place around them. */
  readonly faults: readonly AuditFault[];
  readonly storedCheckpoints: number;
  readonly givenCheckpoints: number;
  readonly unknowns: readonly string[];
}

export interface VerifiedChain {
  /** Rows that were read. */
  readonly rows: number;
  /** Rows in the range that was read which had been purged. */
  readonly purgedRows: number;
  /** The row after which it began: 0 for the whole chain. */
  readonly afterSeq: number;
  readonly head: ChainHead;
}

/**
 * Verifies both chains of a database, on threads of their own and over connections that cannot
 * write: rows that are appended meanwhile are left for the next time. Rejects when the file cannot
 * be read; what is wrong with what it says is in the result.
 */
export async function verifyAudit(
  order: VerifyOrder,
  openThread: OpenVerifyThread = openVerifyThread,
): Promise<AuditVerification> {
  const threads: VerifyThread[] = [];
  try {
    const first = await openThread(order.databasePath);
    threads.push(first);
    const surveyed = await first.survey({
      notes: order.notes,
      pinnedKey: order.pinnedKey,
      ownKey: order.ownKey,
    });
    const work = planWalk(surveyed, order.sinceCheckpoint);
    const useful = Math.min(order.threads, work.stretches.length);
    while (threads.length < useful) threads.push(await openThread(order.databasePath));
    await walkAll(threads, work, order.onProgress);
    return conclude(surveyed, work, order.pinnedKey !== null);
  } finally {
    for (const thread of threads) thread.close();
  }
}

interface Stretch {
  readonly chain: ChainName;
  readonly afterSeq: number;
  readonly toSeq: number;
}

interface ChainWork {
  readonly afterSeq: number;
  rows: number;
  contentRows: number;
  fault: AuditFault | null;
}

interface Work {
  readonly stretches: readonly Stretch[];
  readonly chains: Readonly<Record<ChainName, ChainWork>>;
}

function planWalk({ heads, agreed }: Survey, sinceCheckpoint: boolean): Work {
  const startOf = (chain: ChainName): ChainWork => ({
    afterSeq: sinceCheckpoint ? (agreed[chain]?.seq ?? 0) : 0,
    rows: 0,
    contentRows: 0,
    fault: null,
  });
  const chains = { requests: startOf('requests'), admin_events: startOf('admin_events') };
  const stretches: Stretch[] = [];
  for (const chain of CHAINS) {
    const endSeq = heads[chain].seq;
    for (let afterSeq = chains[chain].afterSeq; afterSeq < endSeq; afterSeq += STRETCH_ROWS) {
      stretches.push({ chain, afterSeq, toSeq: Math.min(afterSeq + STRETCH_ROWS, endSeq) });
    }
  }
  return { stretches, chains };
}

/** Every thread takes the next stretch when it is done with its last. */
async function walkAll(
  threads: readonly VerifyThread[],
  { stretches, chains }: Work,
  onProgress: VerifyOrder['onProgress'],
): Promise<void> {
  const ofRows = stretches.reduce((sum, { afterSeq, toSeq }) => sum + toSeq - afterSeq, 0);
  let rowsDone = 0;
  let next = 0;
  const takeTurns = async (thread: VerifyThread): Promise<void> => {
    for (let stretch = stretches[next]; stretch !== undefined; stretch = stretches[next]) {
      next += 1;
      const chain = chains[stretch.chain];
      // Stretches are handed out in order: the first fault lies in this one or before it.
      if (chain.fault !== null) continue;
      note(chain, await thread.walk(stretch));
      rowsDone += stretch.toSeq - stretch.afterSeq;
      onProgress?.(rowsDone, ofRows);
    }
  };
  await Promise.all(threads.map(takeTurns));
}

function note(chain: ChainWork, { fault, rows, contentRows }: Walk): void {
  chain.rows += rows;
  chain.contentRows += contentRows;
  if (fault !== null && isBefore(fault, chain.fault)) chain.fault = fault;
}

function isBefore(fault: AuditFault, other: AuditFault | null): boolean {
  return other === null || (fault.seq ?? 0) < (other.seq ?? 0);
}

function conclude(surveyed: Survey, { chains }: Work, isKeyPinned: boolean): AuditVerification {
  const walked = CHAINS.flatMap((chain) => chains[chain].fault ?? []);
  const found = [...surveyed.faults.filter((fault) => !isExplained(fault, walked)), ...walked];
  const faults = firstOfEachPlace(found);
  const verified = {
    requests: toVerified('requests', chains, surveyed),
    admin_events: toVerified('admin_events', chains, surveyed),
  };
  const sum = (count: (chain: ChainName) => number): number =>
    count('requests') + count('admin_events');
  return {
    ok: faults.length === 0,
    chains: verified,
    faults,
    storedCheckpoints: surveyed.storedCheckpoints,
    givenCheckpoints: surveyed.givenCheckpoints,
    unknowns: listUnknowns({
      uncoveredRows: sum((chain) => surveyed.heads[chain].seq - (surveyed.agreed[chain]?.seq ?? 0)),
      givenCheckpoints: surveyed.givenCheckpoints,
      storedCheckpoints: surveyed.storedCheckpoints,
      isKeyPinned,
      purgedRows: sum((chain) => verified[chain].purgedRows),
      contentRows: sum((chain) => chains[chain].contentRows),
      uncheckable: surveyed.uncheckable,
      skippedRows: sum((chain) => chains[chain].afterSeq),
    }),
  };
}

/** A checkpoint names a stretch that is not as it was; where the chain is broken in it, the walk names the row. */
function isExplained({ kind, place, toSeq }: AuditFault, walked: readonly AuditFault[]): boolean {
  if (kind !== 'rewritten' || toSeq === null) return false;
  return walked.some((fault) => fault.place === place && (fault.seq ?? 0) <= toSeq);
}

/** What follows the first fault of a chain is of no use: all of it may be a consequence. */
function firstOfEachPlace(faults: readonly AuditFault[]): AuditFault[] {
  const first = new Map<string, AuditFault>();
  for (const fault of faults) {
    if (isBefore(fault, first.get(fault.place) ?? null)) first.set(fault.place, fault);
  }
  return [...first.values()];
}

function toVerified(chain: ChainName, chains: Work['chains'], { heads }: Survey): VerifiedChain {
  const { afterSeq, rows, fault } = chains[chain];
  const head = heads[chain];
  const purgedRows = fault === null ? head.seq - afterSeq - rows : 0;
  return { rows, purgedRows, afterSeq, head };
}
