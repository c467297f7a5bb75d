import type { Clock } from '../core/clock.ts';
import type { CallerKind } from '../observe/live-document.ts';
import type { FinishedRow } from '../store/rows.ts';
import { RecentRing, type Sequence } from './recent-ring.ts';

const KEPT_REQUESTS = 512;
/** Callers that are counted at once; those after them are not, until somebody looks anew. */
const CALLERS_MAX = 10_000;
/** Nobody has looked for this long: counting by caller stops. */
const WATCHED_MS = 60_000;

export interface FinishedEntry {
  readonly row: FinishedRow;
  readonly queueMs: number;
}

/** What one caller did since somebody looks. */
export interface CallerCounts {
  readonly kind: CallerKind;
  readonly id: string;
  requests: number;
  errors: number;
  inputTokens: number;
  outputTokens: number;
  costNanoUsd: number;
}

/**
 * What only a person at a screen wants to know of finished requests. The last of them are always
 * remembered; counting by caller costs something, so it is done only while somebody looks.
 */
export class LiveActivity {
  readonly #clock: Clock;
  readonly #finished: RecentRing<FinishedEntry>;
  readonly #errors = new Map<string, number>();
  readonly #callers = new Map<string, CallerCounts>();
  #watchedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, sequence: Sequence) {
    this.#clock = clock;
    this.#finished = new RecentRing(sequence, KEPT_REQUESTS);
  }

  /** Once for every request of a known caller, when it is settled. */
  finished(row: FinishedRow, queueMs: number): void {
    this.#finished.push({ row, queueMs });
    const { code } = row;
    if (code !== null) this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
    if (this.#watchedUntilMs === Number.NEGATIVE_INFINITY) return;
    if (this.#clock.monotonicMs() > this.#watchedUntilMs) return this.#forget();
    this.#count('key', row.keyId, row);
    if (row.user !== null) this.#count('user', row.user, row);
    if (row.team !== null) this.#count('team', row.team, row);
  }

  /** Somebody looks. */
  watch(): void {
    this.#watchedUntilMs = this.#clock.monotonicMs() + WATCHED_MS;
  }

  callers(): Iterable<CallerCounts> {
    return this.#callers.values();
  }

  errorsByCode(): Record<string, number> {
    return Object.fromEntries(this.#errors);
  }

  since(
    since: number,
    most: number,
  ): { readonly items: FinishedEntry[]; readonly leftOut: number } {
    return this.#finished.since(since, most);
  }

  #forget(): void {
    this.#watchedUntilMs = Number.NEGATIVE_INFINITY;
    this.#callers.clear();
  }

  #count(kind: CallerKind, id: string, row: FinishedRow): void {
    const counts = this.#callers.get(`${kind} ${id}`) ?? this.#open(kind, id);
    if (counts === undefined) return;
    counts.requests += 1;
    if (row.outcome !== 'served') counts.errors += 1;
    counts.inputTokens += row.usage.inputTokens;
    counts.outputTokens += row.usage.outputTokens;
    counts.costNanoUsd += row.costNanoUsd ?? 0;
  }

  #open(kind: CallerKind, id: string): CallerCounts | undefined {
    if (this.#callers.size >= CALLERS_MAX) return undefined;
    const counts = createCallerCounts(kind, id);
    this.#callers.set(`${kind} ${id}`, counts);
    return counts;
  }
}

export function createCallerCounts(kind: CallerKind, id: string): CallerCounts {
  const nothing = { requests: 0, errors: 0, inputTokens: 0, outputTokens: 0, costNanoUsd: 0 };
  return { kind, id, ...nothing };
}
