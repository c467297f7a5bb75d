import { GateError } from '../core/error.ts';
import type { Database } from './sqlite.ts';

/** Work that is done a little at a time, so that its thread answers others in between. */
export type Steps<T> = Generator<void, T, void>;

/** Does all of it at once. */
export function runAll<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** A run of rows that may be there, or a range of which retention left only the sums. */
export type Stretch =
  | { readonly kind: 'rows'; readonly afterSeq: number; readonly toSeq: number }
  | { readonly kind: 'removed'; readonly toSeq: number; readonly sums: string };

interface RemovedRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly sums: string;
}

const SELECT_RANGE = `SELECT from_seq AS fromSeq, to_seq AS toSeq, sums FROM purged_ranges
  WHERE chain = 'requests'`;

/** Finds what comes after a request in the order of the chain, at most `rows` of it and not past `lastSeq`. */
export function openRequestsWalk(db: Database) {
  const before = db.prepare<[number], RemovedRange>(
    `${SELECT_RANGE} AND from_seq <= ? ORDER BY from_seq DESC LIMIT 1`,
  );
  const after = db.prepare<[number], RemovedRange>(
    `${SELECT_RANGE} AND from_seq > ? ORDER BY from_seq LIMIT 1`,
  );
  return (afterSeq: number, lastSeq: number, rows: number): Stretch => {
    if ((before.get(afterSeq)?.toSeq ?? 0) > afterSeq) {
      // Some of its rows were counted one by one, and what was removed has no sums of its own.
      throw new GateError(
        'store_unavailable',
        'Retention removed requests while they were read; ask again when it is done.',
      );
    }
    const removed = after.get(afterSeq);
    if (removed?.fromSeq === afterSeq + 1) {
      return { kind: 'removed', toSeq: removed.toSeq, sums: removed.sums };
    }
    const end = Math.min(lastSeq, afterSeq + rows, (removed?.fromSeq ?? Infinity) - 1);
    return { kind: 'rows', afterSeq, toSeq: end };
  };
}

/** The last number given to a finished request, removed or not; 0 for none. */
export function readLastSeq(db: Database): number {
  return Number(
    db
      .prepare<[], number>(
        `SELECT max(coalesce((SELECT max(seq) FROM requests), 0),
           coalesce((SELECT max(to_seq) FROM purged_ranges WHERE chain = 'requests'), 0))`,
      )
      .pluck()
      .get(),
  );
}
