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
const ROUNDS_MIN = 5;

/** What is compared: a figure of all direct times against the same of all gateway times. */
export type Statistic = 'mean' | number;

/**
 * The difference of each statistic with its 95 % interval: a bootstrap over whole rounds, because
 * requests of one round share what the machine was doing then, and single ones would make the
 * interval look narrower than it is. Both halves of a pair stay together. Null, each of them, when
 * there are fewer than five rounds.
 */
export function findDifferences(
  pairs: readonly Pair[],
  statistics: readonly Statistic[],
  random: Random,
): (Difference | null)[] {
  const rounds = [...new Set(pairs.map(({ round }) => round))];
  if (rounds.length < ROUNDS_MIN) return statistics.map(() => null);
  const numbers = new Map(rounds.map((round, number) => [round, number]));
  const roundOf = pairs.map(({ round }) => numbers.get(round) ?? 0);
  const sides = [
    new Side(
      pairs.map(({ directMs }) => directMs),
      roundOf,
      rounds.length,
    ),
    new Side(
      pairs.map(({ gatewayMs }) => gatewayMs),
      roundOf,
      rounds.length,
    ),
  ] as const;
  const differ = (weights: Float64Array) =>
    statistics.map(
      (statistic) => sides[1].find(statistic, weights) - sides[0].find(statistic, weights),
    );

  const estimates = differ(new Float64Array(rounds.length).fill(1));
  const resampled = statistics.map(() => new Float64Array(RESAMPLES));
  for (let at = 0; at < RESAMPLES; at += 1) {
    const weights = new Float64Array(rounds.length);
    for (let drawn = 0; drawn < rounds.length; drawn += 1) {
      const round = random.below(rounds.length);
      weights[round] = (weights[round] ?? 0) + 1;
    }
    for (const [index, ms] of differ(weights).entries()) {
      const values = resampled[index];
      if (values !== undefined) values[at] = ms;
    }
  }
  return resampled.map((values, index) => {
    const sorted = values.toSorted();
    const at = (share: number) => sorted[Math.round(share * (RESAMPLES - 1))] ?? 0;
    return { estimateMs: estimates[index] ?? 0, lowMs: at(0.025), highMs: at(0.975) };
  });
}

/**
 * The times of one side, sorted once: a resample only changes how often each round counts, so its
 * percentile is found by walking, not by sorting again.
 */
class Side {
  readonly #sorted: Float64Array;
  /** The round of each sorted time. */
  readonly #rounds: Uint32Array;
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;

  constructor(timesMs: readonly number[], roundOf: readonly number[], rounds: number) {
    const order = Array.from(timesMs.keys()).toSorted(
      (one, other) => (timesMs[one] ?? 0) - (timesMs[other] ?? 0),
    );
    this.#sorted = Float64Array.from(order, (at) => timesMs[at] ?? 0);
    this.#rounds = Uint32Array.from(order, (at) => roundOf[at] ?? 0);
    this.#sums = new Float64Array(rounds);
    this.#counts = new Float64Array(rounds);
    for (const [at, ms] of timesMs.entries()) {
      const round = roundOf[at] ?? 0;
      this.#sums[round] = (this.#sums[round] ?? 0) + ms;
      this.#counts[round] = (this.#counts[round] ?? 0) + 1;
    }
  }

  /** `weights`: how often each round was drawn. */
  find(statistic: Statistic, weights: Float64Array): number {
    const count = dot(this.#counts, weights);
    if (statistic === 'mean') return dot(this.#sums, weights) / count;
    const rank = Math.max(1, Math.ceil((statistic * count) / 100 - 1e-9));
    let seen = 0;
    for (let at = 0; at < this.#sorted.length; at += 1) {
      seen += weights[this.#rounds[at] ?? 0] ?? 0;
      if (seen >= rank) return this.#sorted[at] ?? 0;
    }
    return this.#sorted.at(-1) ?? 0;
  }
}

function dot(one: Float64Array, other: Float64Array): number {
  return one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
}
