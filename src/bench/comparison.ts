import type { Random } from './random.ts';

/** The same request, direct and through the gateway. Milliseconds. */
export interface Pair {
  readonly round: number;
  readonly directMs: number;
  readonly gatewayMs: number;
}

export interface Difference {
  /** Gateway less direct; negative when the gateway was faster. Milliseconds. */
  readonly estimateMs: number;
  /** 95 % of resampled rounds gave a difference between these. */
  readonly lowMs: number;
  readonly highMs: number;
}

const RESAMPLES = 1_000;
/** Pairs that are resampled; more cost seconds and no longer move the interval. */
const PAIRS_MAX = 6_000;

/** What is compared: a figure of all direct times against the same of all gateway times. */
export type Statistic = 'mean' | number;

/**
 * The difference of a statistic with its 95 % interval: a bootstrap over whole rounds, because
 * requests of one round share what the machine was doing then, and single ones would make the
 * interval look narrower than it is. The direct and the gateway half of a pair stay together.
 * Null when there are fewer than five rounds or no pair.
 */
export function findDifference(
  pairs: readonly Pair[],
  statistic: Statistic,
  random: Random,
): Difference | null {
  const rounds = groupByRound(pairs);
  if (rounds.length < 5) return null;
  const estimateMs = differ(rounds, statistic);
  const thinned = thin(rounds, pairs.length);
  const differences = Float64Array.from({ length: RESAMPLES }, () =>
    differ(
      thinned.map(() => thinned[random.below(thinned.length)] ?? []),
      statistic,
    ),
  ).toSorted();
  const at = (share: number) => differences[Math.round(share * (RESAMPLES - 1))] ?? estimateMs;
  return {
    estimateMs,
    // Thinning moves the centre by a hair; the interval goes with what was measured.
    lowMs: Math.min(estimateMs, at(0.025)),
    highMs: Math.max(estimateMs, at(0.975)),
  };
}

function groupByRound(pairs: readonly Pair[]): readonly (readonly Pair[])[] {
  const byRound = new Map<number, Pair[]>();
  for (const pair of pairs) {
    const round = byRound.get(pair.round);
    if (round === undefined) byRound.set(pair.round, [pair]);
    else round.push(pair);
  }
  return [...byRound.values()];
}

/** Every n-th pair of each round. */
function thin(rounds: readonly (readonly Pair[])[], total: number): readonly (readonly Pair[])[] {
  const step = Math.ceil(total / PAIRS_MAX);
  if (step <= 1) return rounds;
  return rounds.map((round) => round.filter((_, index) => index % step === 0));
}

function differ(rounds: readonly (readonly Pair[])[], statistic: Statistic): number {
  const count = rounds.reduce((sum, round) => sum + round.length, 0);
  const direct = new Float64Array(count);
  const gateway = new Float64Array(count);
  let at = 0;
  for (const round of rounds) {
    for (const pair of round) {
      direct[at] = pair.directMs;
      gateway[at] = pair.gatewayMs;
      at += 1;
    }
  }
  return summarize(gateway, statistic) - summarize(direct, statistic);
}

function summarize(values: Float64Array, statistic: Statistic): number {
  if (values.length === 0) return 0;
  if (statistic === 'mean') return values.reduce((sum, value) => sum + value, 0) / values.length;
  values.sort();
  const rank = Math.max(1, Math.ceil((statistic * values.length) / 100 - 1e-9));
  return values[rank - 1] ?? 0;
}
