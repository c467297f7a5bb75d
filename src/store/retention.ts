/** What is removed when its time is over, each under a rule of its own. */
export const PURGE_CLASSES = [
  'requests',
  'admin_events',
  'usage_sums',
  'checkpoints',
  'budgets',
] as const;
export type PurgeClass = (typeof PURGE_CLASSES)[number];

/**
 * One portion of a purge: some hundred thousand rows at most, so that checks and rebuilds get their
 * turn between two. Ask again with what the result says until `isDone`.
 */
export interface PurgeOrder {
  readonly purge: PurgeClass;
  /** Now, as the receipts are to have it. */
  readonly atMs: number;
  /** What ended before this may go. */
  readonly cutoffMs: number;
  /** Nothing is removed unless something ended so long before the cutoff: few large purges. */
  readonly slackMs: number;
  /** The most that one run removes, by the times that the rows say. */
  readonly maxSpanMs: number;
  /** Rows up to this one were looked at before and must stay. */
  readonly afterSeq: number;
  /** Rows after this one are not yet everywhere where they are to be; may be Infinity. */
  readonly upToSeq: number;
}

export interface PurgeResult {
  readonly rows: number;
  /** `afterSeq` of the next portion. */
  readonly nextSeq: number;
  /** `cutoffMs` of the next portion, which `maxSpanMs` may have brought forward. */
  readonly cutoffMs: number;
  readonly isDone: boolean;
  /** What was wrong with rows that were removed: the receipt says it too. null when nothing was. */
  readonly fault: string | null;
}

export const NOTHING_PURGED: Omit<PurgeResult, 'nextSeq' | 'cutoffMs'> = {
  rows: 0,
  isDone: true,
  fault: null,
};
