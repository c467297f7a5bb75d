import { type BenchLab, fire, openSubject, type Subject, toResult } from './bench-lab.ts';
import { findDifferences, type Pair, type Statistic } from './comparison.ts';
import { isThin } from './histogram.ts';
import { findTpot, type OnTimings } from './measurement.ts';
import { type BenchOutcome, type ComparisonResult, toDifference } from './outcome.ts';
import { createRandom } from './random.ts';
import type { Target } from './target.ts';

const COMPARED = ['ttft', 'tpot', 'e2el'] as const;
type Compared = (typeof COMPARED)[number];
type Timing = Readonly<Record<Compared, number | null>>;

const STATISTICS: readonly Statistic[] = ['mean', 50, 90, 95, 99];

/**
 * The same requests direct and through the gateway, in rounds: direct first in one, the gateway
 * first in the next, so that a slow minute of the machine and a warm prefix cache favour neither.
 */
export async function runComparison(
  lab: BenchLab,
  { direct, gateway }: { readonly direct: Target; readonly gateway: Target },
  models: { readonly direct: string; readonly gateway: string },
): Promise<BenchOutcome> {
  const { settings, signal } = lab;
  const sides = [
    openSide(lab, 'direct', direct, models.direct),
    openSide(lab, 'gateway', gateway, models.gateway),
  ] as const;
  const pairs: Record<Compared, Pair[]> = { ttft: [], tpot: [], e2el: [] };
  const { requestRate, maxConcurrency, rounds } = settings;
  const perRound = settings.numPrompts === null ? null : Math.ceil(settings.numPrompts / rounds);
  const durationMs = settings.durationMs === null ? null : settings.durationMs / rounds / 2;
  let played = 0;
  let firstPrompt = 0;
  try {
    for (let round = 0; round < rounds && !signal.aborted; round += 1) {
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        if (signal.aborted) break;
        await fire(lab, side.subject, {
          firstPrompt,
          requestRate,
          maxConcurrency,
          count: perRound,
          durationMs,
          saturationAfterMs: null,
          isPlain: false,
        });
      }
      firstPrompt += Math.max(...sides.map(({ takeLastIndex }) => takeLastIndex())) + 1;
      addPairs(pairs, round, sides[0].takeTimings(), sides[1].takeTimings());
      played += 1;
    }
    const runs = sides.map(({ subject }) =>
      toResult(lab, subject, { requestRate, maxConcurrency }),
    );
    return {
      model: models.gateway,
      runs,
      comparison: {
        direct_url: direct.url,
        gateway_url: gateway.url,
        rounds: played,
        pairs: pairs.e2el.length,
        differences: compare(pairs, settings.seed),
        median_itl_ratio: findItlRatio(sides[0].subject, sides[1].subject),
      },
      sweep: null,
      wasInterrupted: signal.aborted,
    };
  } finally {
    for (const { subject } of sides) subject.close();
  }
}

function openSide(lab: BenchLab, name: string, target: Target, model: string) {
  let timings = new Map<number, Timing>();
  let lastIndex = -1;
  const onTimings: OnTimings = (shot, end) => {
    lastIndex = Math.max(lastIndex, shot.plan.index);
    if (end.kind !== 'completed') return;
    const { intendedMs } = shot.plan;
    timings.set(shot.plan.index, {
      ttft: shot.firstMs === null ? null : shot.firstMs - intendedMs,
      tpot: findTpot(shot, end.tokens.output),
      e2el: shot.endMs - intendedMs,
    });
  };
  return {
    subject: openSubject(lab, name, target, { model, onTimings }),
    takeTimings() {
      const taken = timings;
      timings = new Map();
      return taken;
    },
    takeLastIndex() {
      const taken = lastIndex;
      lastIndex = -1;
      return taken;
    },
  };
}

function addPairs(
  pairs: Record<Compared, Pair[]>,
  round: number,
  direct: ReadonlyMap<number, Timing>,
  gateway: ReadonlyMap<number, Timing>,
): void {
  for (const [index, timing] of direct) {
    const other = gateway.get(index);
    if (other === undefined) continue;
    for (const metric of COMPARED) {
      const [directMs, gatewayMs] = [timing[metric], other[metric]];
      if (directMs === null || gatewayMs === null) continue;
      pairs[metric].push({ round, directMs, gatewayMs });
    }
  }
}

function compare(
  pairs: Readonly<Record<Compared, readonly Pair[]>>,
  seed: number,
): ComparisonResult['differences'] {
  return COMPARED.flatMap((metric) => {
    const own = pairs[metric];
    const statistics = STATISTICS.filter((one) => one === 'mean' || !isThin(own.length, one));
    const differences = findDifferences(own, statistics, createRandom(seed, metric));
    return statistics.flatMap((statistic, at) => {
      const figure = `added_${statistic === 'mean' ? 'mean' : `p${statistic}`}_${metric}_ms`;
      const difference = differences[at] ?? null;
      return difference === null ? [] : [toDifference(figure, difference)];
    });
  });
}

/** Below 1 means that the gateway holds tokens back and sends them together. */
function findItlRatio(direct: Subject, gateway: Subject): number | null {
  const [directMs, gatewayMs] = [direct, gateway].map(({ measurement }) =>
    measurement.histograms.itl.percentile(50),
  );
  if (!directMs || gatewayMs === undefined || gatewayMs === null) return null;
  return Number((gatewayMs / directMs).toFixed(4));
}
