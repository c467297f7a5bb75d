import type { Key } from '../core/key.ts';
import { nanoUsd, toUsdString } from '../core/money.ts';
import type { Limiter, MeasureStanding } from '../limits/limiter.ts';
import type { CallerKind, LiveCaller } from '../observe/live-document.ts';
import { LIVE_ROWS_MAX } from '../observe/live-lists.ts';
import type { BudgetBook, BudgetStanding } from '../pricing/budgets.ts';
import { type CallerCounts, createCallerCounts } from './live-activity.ts';
import { toIso } from './live-requests.ts';
import { pickFirst } from './pick-first.ts';

export interface CallerSources {
  readonly keys: { find(id: string): Key | undefined };
  readonly limiter: Pick<Limiter, 'standing'>;
  readonly budgets: Pick<BudgetBook, 'standing'>;
  readonly counts: Iterable<CallerCounts>;
  /** Callers of the requests in flight, one for each. */
  readonly inFlight: Iterable<Key>;
}

interface Busy {
  readonly counts: CallerCounts;
  inFlight: number;
}

/** Keys, users and teams that do something: the busiest now, then those that asked most. */
export function findCallers(sources: CallerSources): LiveCaller[] {
  const busy = new Map<string, Busy>();
  for (const counts of sources.counts) {
    busy.set(`${counts.kind} ${counts.id}`, { counts, inFlight: 0 });
  }
  const keysInFlight = new Map<string, Key>();
  const enter = (kind: CallerKind, id: string | null) => {
    if (id === null) return;
    const known = busy.get(`${kind} ${id}`);
    if (known !== undefined) known.inFlight += 1;
    else busy.set(`${kind} ${id}`, { counts: createCallerCounts(kind, id), inFlight: 1 });
  };
  for (const key of sources.inFlight) {
    keysInFlight.set(key.id, key);
    enter('key', key.id);
    enter('user', key.user);
    enter('team', key.team);
  }
  const busiest = pickFirst(busy.values(), LIVE_ROWS_MAX, (a, b) =>
    a.inFlight === b.inFlight ? a.counts.requests > b.counts.requests : a.inFlight > b.inFlight,
  );
  return busiest.map(({ counts, inFlight }) => {
    const key = counts.kind === 'key' ? sources.keys.find(counts.id) : undefined;
    return toLiveCaller(sources, counts, inFlight, key ?? keysInFlight.get(counts.id));
  });
}

function toLiveCaller(
  { limiter, budgets }: CallerSources,
  counts: CallerCounts,
  inFlight: number,
  key: Key | undefined,
): LiveCaller {
  const { kind, id } = counts;
  const own = kind === 'key' ? key : undefined;
  return {
    kind,
    id,
    name: own?.name ?? id,
    status: own?.status ?? null,
    in_flight: inFlight,
    requests: counts.requests,
    errors: counts.errors,
    input_tokens: counts.inputTokens,
    output_tokens: counts.outputTokens,
    cost_usd: toUsdString(nanoUsd(counts.costNanoUsd)),
    limits: own === undefined ? [] : limitsOf(own, limiter, inFlight),
    budgets: budgets.standing(kind, id, own).map(toLiveBudget),
  };
}

/** The tightest that applies to a chat of any model. */
function limitsOf(key: Key, limiter: CallerSources['limiter'], inFlight: number) {
  const { requests, tokens } = limiter.standing({ key, model: '', endpoint: 'chat' });
  const limits: LiveCaller['limits'] = [];
  const add = (measure: 'requests' | 'tokens', standing: MeasureStanding | null) => {
    if (standing === null) return;
    limits.push({ measure, limit: standing.limit, remaining: standing.remaining });
  };
  add('requests', requests);
  add('tokens', tokens);
  const { concurrency } = key.limits;
  if (concurrency !== null) {
    const remaining = Math.max(0, concurrency - inFlight);
    limits.push({ measure: 'concurrent', limit: concurrency, remaining });
  }
  return limits;
}

function toLiveBudget({ target, limit, spent, held, resetsAtMs }: BudgetStanding) {
  const { measure, window } = target;
  const amount = (value: number) => {
    // With grants on top, a limit may be more than can be counted.
    const counted = Math.min(value, Number.MAX_SAFE_INTEGER);
    return measure === 'usd' ? toUsdString(nanoUsd(counted)) : String(counted);
  };
  return {
    ...{ measure, window },
    limit: amount(limit),
    spent: amount(spent),
    held: amount(held),
    resets_at: resetsAtMs === null ? null : toIso(resetsAtMs),
  };
}
