import type { BenchDocument } from '../bench/bench-document.ts';
import { METRICS, type Metric } from '../bench/measurement.ts';
import type { BenchOutcome } from '../bench/outcome.ts';
import type { RunResult } from '../bench/result.ts';
import { formatMs } from './bench-progress.ts';
import type { Report } from './output.ts';
import { NOTHING, renderFields, renderTable } from './table.ts';

const TITLES: Readonly<Record<Metric, string>> = {
  ttft: 'time to first token (TTFT)',
  ttst: 'time to second token (TTST)',
  ttfot: 'first token after reasoning (TTFOT)',
  tpot: 'time per output token (TPOT)',
  itl: 'inter-token latency (ITL)',
  e2el: 'end-to-end latency (E2EL)',
  client_queue_time: 'waiting in the client',
  ttft_from_send: 'TTFT, from when it was sent',
  e2el_from_send: 'E2EL, from when it was sent',
};

const PLAIN = { width: null, paint: (cell: string) => cell };

/** The result in the form of every command: document, lines of CSV, text for people. */
export function toBenchReport(document: BenchDocument, outcome: BenchOutcome): Report {
  return { document, rows: outcome.runs.map(toRow), human: renderHuman(document, outcome) };
}

function toRow({ figures, name, url, request_rate, max_concurrency, stop_reason }: RunResult) {
  return { name, url, request_rate, max_concurrency, stop_reason, ...figures };
}

function renderHuman(document: BenchDocument, outcome: BenchOutcome): string {
  const { runs, sweep, comparison } = outcome;
  const parts: string[] = [];
  if (sweep !== null) parts.push(renderSweep(runs, sweep));
  else if (comparison !== null) {
    parts.push(
      renderRuns(runs, () => NOTHING),
      renderComparison(comparison),
    );
  } else parts.push(...runs.map(renderRun));
  if (document.assertions.length > 0) parts.push(renderAssertions(document.assertions));
  return parts.join('\n');
}

function renderRun(run: RunResult): string {
  const { figures } = run;
  const at = (name: string) => figures[name] ?? null;
  const of = (name: string) => formatCount(at(name));
  const isGood = at('request_goodput') !== null;
  const fields: [string, string][] = [
    ['requests', describeRequests(run)],
    ['duration', `${of('duration')} s`],
    ['asked for', describeAim(run)],
    ['request throughput', `${of('request_throughput')} requests/s`],
    ...(isGood
      ? [
          [
            'goodput',
            `${of('request_goodput')} requests/s, ${formatShare(at('goodput_ratio'))} of them`,
          ] satisfies [string, string],
        ]
      : []),
    [
      'output throughput',
      `${of('output_throughput')} tokens/s, at most ${of('max_output_tokens_per_s')} in a second`,
    ],
    ['total throughput', `${of('total_token_throughput')} tokens/s`],
    ['tokens', describeTokens(run)],
    ['in flight', `at most ${of('max_concurrent_requests')}`],
    ['connections', `${run.connections.opened} opened, ${run.connections.reused} times reused`],
    ['generator', describeGenerator(run)],
  ];
  return [renderFields(fields), renderTimings(run), renderErrors(run)]
    .filter((part) => part !== '')
    .join('\n');
}

function describeRequests({ figures }: RunResult): string {
  const of = (name: string) => figures[name] ?? 0;
  const rest = ['failed', 'cancelled', 'incomplete', 'unsent']
    .filter((name) => of(name) > 0)
    .map((name) => `${of(name)} ${name}`);
  return [`${of('sent')} sent`, `${of('completed')} completed`, ...rest].join(', ');
}

function describeAim({ request_rate, burstiness, max_concurrency }: RunResult): string {
  const places = max_concurrency === null ? '' : `, at most ${max_concurrency} at a time`;
  if (request_rate === 'inf') {
    return max_concurrency === null ? 'all at once' : `${max_concurrency} at a time`;
  }
  const shape = burstiness === 1 ? 'Poisson' : `burstiness ${burstiness}`;
  return `${formatCount(request_rate)} requests/s, ${shape}${places}`;
}

function describeTokens({ figures }: RunResult): string {
  const of = (name: string) => figures[name] ?? 0;
  const counted = of('answers_without_usage');
  const source =
    counted === 0
      ? 'as the server reports them'
      : `${counted} answers without usage: a chunk counted as a token`;
  return `${formatCount(of('total_input_tokens'))} in, ${formatCount(of('total_output_tokens'))} out; ${source}`;
}

function describeGenerator({ generator }: RunResult): string {
  const { cpu_share, cpu_us_per_request, p99_send_lag_ms } = generator;
  const words = [
    `${Math.round(cpu_share * 100)} % of a core`,
    ...(cpu_us_per_request === null ? [] : [`${cpu_us_per_request} us a request`]),
    ...(p99_send_lag_ms === null ? [] : [`late by ${formatMs(p99_send_lag_ms)} (p99)`]),
  ];
  return words.join(', ');
}

function renderTimings({ figures }: RunResult): string {
  const percentiles = Object.keys(figures).flatMap((name) => {
    const percent = /^p([\d.]+)_e2el_ms$/.exec(name)?.[1];
    return percent === undefined ? [] : [percent];
  });
  const rows = METRICS.filter((metric) => (figures[`count_${metric}`] ?? 0) > 0)
    // Rows that would only say again what another says: nothing waited, nothing was reasoned.
    .filter((metric) => !metric.endsWith('_from_send') || isWaiting(figures))
    .filter((metric) => metric !== 'ttfot' || figures['mean_ttfot_ms'] !== figures['mean_ttft_ms'])
    .map((metric) => {
      const of = (name: string) => formatMs(figures[`${name}_${metric}_ms`] ?? null);
      return [TITLES[metric], of('mean'), ...percentiles.map((p) => of(`p${p}`)), of('max')];
    });
  if (rows.length === 0) return '';
  const titles = ['mean', ...percentiles.map((percent) => `p${percent}`), 'max'];
  const columns = [
    { title: 'time' },
    ...titles.map((title) => ({ title, align: 'right' as const })),
  ];
  return renderTable({ columns, rows }, PLAIN);
}

function isWaiting(figures: RunResult['figures']): boolean {
  return (figures['max_client_queue_time_ms'] ?? 0) >= 1;
}

function renderErrors({ errors }: RunResult): string {
  if (errors.length === 0) return '';
  const columns = [
    { title: 'error' },
    { title: 'count', align: 'right' as const },
    { title: 'the first one' },
  ];
  const rows = errors.map((error) => [error.class, String(error.count), error.example]);
  return renderTable({ columns, rows }, PLAIN);
}

/** A line for each run. */
function renderRuns(runs: readonly RunResult[], carried: (run: RunResult) => string): string {
  const titles = ['TTFT p50', 'TTFT p99', 'E2EL p50', 'E2EL p99', 'errors', 'tokens/s'];
  const rows = runs.map((run) => {
    const of = (name: string) => run.figures[name] ?? null;
    return [
      run.name,
      formatCount(of('request_throughput')),
      ...['median_ttft_ms', 'p99_ttft_ms', 'median_e2el_ms', 'p99_e2el_ms'].map((name) =>
        formatMs(of(name)),
      ),
      formatShare(of('error_ratio')),
      formatCount(of('output_throughput')),
      carried(run),
    ];
  });
  const columns = [
    { title: 'run' },
    ...['requests/s', ...titles].map((title) => ({ title, align: 'right' as const })),
    { title: 'carried', optional: true as const },
  ];
  const errors = runs.map(renderErrors).filter((part) => part !== '');
  return [renderTable({ columns, rows }, PLAIN), ...errors].join('\n');
}

function renderSweep(
  runs: readonly RunResult[],
  sweep: NonNullable<BenchOutcome['sweep']>,
): string {
  const table = renderRuns(runs, ({ request_rate }) => {
    const step = sweep.steps.find((each) => each.request_rate === request_rate);
    return step === undefined ? NOTHING : step.is_carried ? 'yes' : 'no';
  });
  const knee =
    sweep.knee_request_rate === null
      ? 'none of these rates was carried'
      : `${formatCount(sweep.knee_request_rate)} requests/s is the highest rate that was carried`;
  const skipped =
    sweep.skipped_request_rates.length === 0
      ? ''
      : `; ${sweep.skipped_request_rates.length} higher ones were not tried`;
  return `${table}\n${knee}${skipped}\n`;
}

function renderComparison(comparison: NonNullable<BenchOutcome['comparison']>): string {
  const columns = [
    { title: 'added by the gateway' },
    { title: 'by', align: 'right' as const },
    { title: '95 % interval', align: 'right' as const },
  ];
  const rows = comparison.differences.map((difference) => [
    difference.figure.replace(/^added_(.+)_ms$/, '$1').replaceAll('_', ' '),
    signedMs(difference.estimate_ms),
    `${signedMs(difference.low_ms)} to ${signedMs(difference.high_ms)}`,
  ]);
  const { pairs, rounds, median_itl_ratio: ratio } = comparison;
  const note = `${pairs} pairs in ${rounds} rounds${ratio === null ? '' : `; median ITL ${ratio} times the direct one`}`;
  const table = rows.length === 0 ? 'too few rounds for an interval\n' : '';
  return `${table || renderTable({ columns, rows }, PLAIN)}\n${note}\n`;
}

function renderAssertions(assertions: BenchDocument['assertions']): string {
  const columns = [{ title: 'assertion' }, { title: 'measured' }, { title: 'kept' }];
  const rows = assertions.map(({ assertion, actual, is_kept, reason, figure }) => [
    assertion,
    reason ?? (figure.endsWith('_ms') ? formatMs(actual) : String(actual)),
    is_kept ? 'yes' : 'NO',
  ]);
  return renderTable({ columns, rows }, PLAIN);
}

/** What somebody who reads the figures must know. For stderr. */
export function toPlainWarnings({ runs, wasInterrupted }: BenchOutcome): string[] {
  const warnings: string[] = [];
  if (wasInterrupted) warnings.push('interrupted: this is what was measured until then');
  for (const { name, generator, figures, stop_reason } of runs) {
    const at = runs.length > 1 ? `${name}: ` : '';
    if (stop_reason === 'over_saturated') {
      warnings.push(`${at}stopped: the server falls further behind at this rate`);
    }
    const cut = figures['incomplete'] ?? 0;
    if (cut > 0 && !wasInterrupted) {
      warnings.push(`${at}${cut} requests had not ended and are in none of the times`);
    }
    if (generator.is_bottleneck) {
      const reasons = generator.reasons.join('; ');
      warnings.push(`${at}the generator itself may be the bottleneck: ${reasons}`);
    }
    if ((figures['completed'] ?? 0) === 0) warnings.push(`${at}no request was answered whole`);
    const nonsense = figures['answers_with_impossible_usage'] ?? 0;
    if (nonsense > 0) warnings.push(`${at}${nonsense} answers reported usage that cannot be true`);
  }
  return warnings;
}

function formatCount(value: number | null): string {
  if (value === null) return NOTHING;
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return String(Math.round(value));
  return value.toPrecision(3);
}

function formatShare(ratio: number | null): string {
  return ratio === null ? NOTHING : `${Number((ratio * 100).toFixed(2))} %`;
}

function signedMs(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${Math.abs(ms).toFixed(3)} ms`;
}
