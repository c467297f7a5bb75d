import { METRICS } from './measurement.ts';

const COMPARISONS = ['<=', '>=', '<', '>'] as const;
type Comparison = (typeof COMPARISONS)[number];

/** Figures that are no durations, by their name in the result. */
const SCALARS = [
  'request_throughput',
  'output_throughput',
  'total_token_throughput',
  'request_goodput',
  'goodput_ratio',
  'error_ratio',
  'completed',
  'failed',
  'max_concurrent_requests',
] as const;

/** One condition on a result, and how it was written. */
export interface Assertion {
  readonly text: string;
  /** The field of the result: `p99_ttft_ms`, `added_p50_e2el_ms`, `error_ratio`. */
  readonly field: string;
  readonly comparison: Comparison;
  /** Milliseconds for durations, a share of 1 for ratios. */
  readonly bound: number;
}

/**
 * `ttft_p99<500ms`, `p99_ttft_ms<500`, `added_ttft_p50<1ms`, `error_ratio<=1%`. Throws an Error
 * that says what is wrong with it.
 */
export function parseAssertion(text: string): Assertion {
  const [, name = '', sign = '', value = ''] =
    /^\s*([^<>=\s]+)\s*([<>=]+)\s*(.+?)\s*$/.exec(text) ?? [];
  const comparison = COMPARISONS.find((known) => known === sign);
  if (comparison === undefined) {
    throw new Error("Write a figure, one of < <= > >=, and a bound, such as 'ttft_p99<500ms'.");
  }
  const field = toField(name);
  if (field === null) {
    throw new Error(
      `There is no figure "${name}". Write one of ${METRICS.join(', ')} with _mean, _median, _min, _max, _std or _p99 behind it, added_ before it with --compare, or one of ${SCALARS.join(', ')}.`,
    );
  }
  return { text: text.trim(), field, comparison, bound: parseBound(value, field) };
}

/** Null cannot be judged, and so is not kept. */
export function isKept({ comparison, bound }: Assertion, actual: number | null): boolean {
  if (actual === null) return false;
  switch (comparison) {
    case '<':
      return actual < bound;
    case '<=':
      return actual <= bound;
    case '>':
      return actual > bound;
    case '>=':
      return actual >= bound;
  }
}

/** The percentile that a field is of; null for any other field. */
export function percentileOf(field: string): number | null {
  const digits = /(?:^|_)p(\d{1,2}(?:\.\d{1,3})?)_/.exec(field)?.[1];
  return digits === undefined ? null : Number(digits);
}

const STATISTIC = /^(mean|median|min|max|std|p\d{1,2}(?:\.\d{1,3})?)$/;

/** Both orders are understood: `ttft_p99` as people say it, `p99_ttft_ms` as the result does. */
function toField(name: string): string | null {
  if ((SCALARS as readonly string[]).includes(name)) return name;
  const isAdded = name.startsWith('added_');
  const bare = name.slice(isAdded ? 'added_'.length : 0).replace(/_ms$/, '');
  for (const metric of METRICS) {
    const statistic = bare.startsWith(`${metric}_`)
      ? bare.slice(metric.length + 1)
      : bare.endsWith(`_${metric}`)
        ? bare.slice(0, -metric.length - 1)
        : '';
    if (!STATISTIC.test(statistic)) continue;
    if (!isAdded) return `${statistic}_${metric}_ms`;
    return `added_${statistic === 'median' ? 'p50' : statistic}_${metric}_ms`;
  }
  return null;
}

function parseBound(text: string, field: string): number {
  const [, digits, unit = ''] = /^(-?\d{1,12}(?:\.\d{1,6})?)\s*(us|µs|ms|s|m|%)?$/.exec(text) ?? [];
  const isDuration = field.endsWith('_ms');
  const factor = (isDuration ? DURATIONS : RATIOS)[unit];
  if (digits === undefined || factor === undefined) {
    const units = isDuration ? 'a duration: 500ms, 2s, 100us' : 'a number, or a percentage: 1%';
    throw new Error(`"${text}" is no bound for ${field}. Write ${units}.`);
  }
  return Number(digits) * factor;
}

const DURATIONS: Readonly<Record<string, number>> = {
  '': 1,
  us: 0.001,
  µs: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
};
const RATIOS: Readonly<Record<string, number>> = { '': 1, '%': 0.01 };
