import type { BenchDocument } from './bench-document.ts';
import { METRICS } from './measurement.ts';
import type { BenchOutcome } from './outcome.ts';
import type { RunResult } from './result.ts';
import { escapeHtml, type Line, type Plot, renderPlot } from './svg-plot.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;
color:#111;background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;
border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}
svg{width:100%;height:auto;font-size:11px;fill:#333}svg .title{font-size:14px;font-weight:600}
.grid{stroke:#e5e5e5}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}
figure{margin:0}figcaption span{margin-right:1rem;white-space:nowrap}figcaption i{display:inline-block;
width:.8em;height:.8em;margin-right:.3em}.bad{color:#b91c1c;font-weight:600}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f6;padding:1rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}svg{fill:#ccc}.grid{stroke:#333}
td,th{border-color:#333}pre{background:#1b1b1b}}`;

/** Nothing is loaded, nothing runs and nothing is sent: the browser holds to it as well. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** One page with everything in it. Names from elsewhere are text. */
export function renderBenchPage(document: BenchDocument, outcome: BenchOutcome): string {
  const { runs } = outcome;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width">
<title>llmgate bench: ${escapeHtml(document.model_id)}</title>
<style>${STYLE}</style></head><body>
<h1>llmgate bench: ${escapeHtml(document.model_id)}</h1>
<p>${escapeHtml(document.date)} · llmgate ${escapeHtml(document.tool.version)} ·
${escapeHtml(document.environment.cpu_model)}, ${document.environment.cores} cores ·
${document.passed ? 'passed' : '<span class="bad">not passed</span>'}</p>
${renderWarnings(runs)}
${renderRuns(runs)}
${renderComparison(document.comparison)}
${renderSweep(document.sweep)}
${renderAssertions(document.assertions)}
<div class="plots">${listPlots(outcome).map(renderPlot).join('\n')}</div>
<h2>Asked for</h2>
<pre>${escapeHtml(JSON.stringify({ ...document.settings, metadata: document.metadata }))}</pre>
</body></html>
`;
}

function renderWarnings(runs: readonly RunResult[]): string {
  return runs
    .filter(({ generator }) => generator.is_bottleneck)
    .map(
      ({ name, generator }) =>
        `<p class="bad">${escapeHtml(name)}: the generator itself may be the bottleneck: ${escapeHtml(generator.reasons.join('; '))}</p>`,
    )
    .join('\n');
}

/** A column for each run, a row for each figure. */
function renderRuns(runs: readonly RunResult[]): string {
  const counts = ['sent', 'completed', 'failed', 'request_throughput', 'output_throughput'];
  const times = METRICS.flatMap((metric) =>
    ['median', 'p90', 'p99', 'p99.9', 'max'].map((of) => `${of}_${metric}_ms`),
  );
  const names = [...counts, 'request_goodput', ...times].filter((name) =>
    runs.some(({ figures }) => typeof figures[name] === 'number'),
  );
  return renderTable(
    ['', ...runs.map(({ name }) => name)],
    [
      ...names.map((name) => [name, ...runs.map(({ figures }) => show(figures[name]))]),
      [
        'errors',
        ...runs.map(({ errors }) => errors.map((e) => `${e.class}: ${e.count}`).join(', ')),
      ],
    ],
  );
}

function renderComparison(comparison: BenchDocument['comparison']): string {
  if (comparison === null) return '';
  const rows = comparison.differences.map((difference) => [
    difference.figure,
    show(difference.estimate_ms),
    `${difference.low_ms} to ${difference.high_ms}`,
  ]);
  return `<h2>Added by the gateway</h2>${renderTable(['', 'ms', '95 % interval'], rows)}`;
}

function renderSweep(sweep: BenchDocument['sweep']): string {
  if (sweep === null) return '';
  const knee = sweep.knee_request_rate;
  return `<p>Highest rate carried: ${knee === null ? 'none of those tried' : `${knee} requests/s`}.</p>`;
}

function renderAssertions(assertions: BenchDocument['assertions']): string {
  if (assertions.length === 0) return '';
  const rows = assertions.map(({ assertion, actual, is_kept, reason }) => [
    assertion,
    reason ?? show(actual),
    is_kept ? 'kept' : 'NOT KEPT',
  ]);
  return `<h2>Assertions</h2>${renderTable(['', 'measured', ''], rows)}`;
}

function renderTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: 'th' | 'td') =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${cells(titles, 'th')}${rows.map((row) => cells(row, 'td')).join('\n')}</table>`;
}

function show(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value);
}

/** Percentiles on an axis on which each nine takes as much room as the last. */
const NINES = {
  place: (percent: number) => Math.min(1, -Math.log10(1 - Math.min(percent, 99.99) / 100) / 4),
  ticks: [0, 90, 99, 99.9, 99.99],
};

function listPlots({ runs, sweep }: BenchOutcome): Plot[] {
  const curves = (['ttft_ms', 'itl_ms', 'e2el_ms'] as const).map((name) => ({
    title: `${name.slice(0, -3).toUpperCase()} by percentile`,
    xTitle: 'percentile',
    yTitle: 'ms',
    xScale: NINES,
    lines: runs.map((run) => ({ name: run.name, points: run.curves[name] })),
  }));
  const overTime = (
    [
      ['Answered', 'requests/s', (run: RunResult) => perSecond(run, run.series.completed)],
      ['Failed', 'requests/s', (run: RunResult) => perSecond(run, run.series.failed)],
      ['Chunks and tokens', 'per second', (run: RunResult) => perSecond(run, run.series.chunks)],
      ['In flight', 'requests', (run: RunResult) => run.series.in_flight_max],
      ['Mean TTFT', 'ms', (run: RunResult) => run.series.mean_ttft_ms],
      ['Mean E2EL', 'ms', (run: RunResult) => run.series.mean_e2el_ms],
    ] as const
  )
    .map(([title, yTitle, read]) => ({
      title: `${title} over time`,
      xTitle: 'seconds',
      yTitle,
      lines: runs.map((run): Line => ({ name: run.name, points: toPoints(run, read(run)) })),
    }))
    .filter(({ lines }) => lines.some(({ points }) => points.some(([, y]) => y > 0)));
  return sweep === null
    ? [...curves, ...overTime]
    : [...listSweepPlots(runs), ...curves, ...overTime];
}

function listSweepPlots(runs: readonly RunResult[]): Plot[] {
  const rated = runs.filter(({ request_rate }) => request_rate !== 'inf');
  const against = (name: string): Line => ({
    name,
    points: rated.flatMap(({ request_rate, figures }) => {
      const value = figures[name];
      return typeof value === 'number' && typeof request_rate === 'number'
        ? [[request_rate, value] as const]
        : [];
    }),
  });
  const xTitle = 'requests/s asked for';
  return [
    {
      title: 'Time by rate',
      xTitle,
      yTitle: 'ms',
      lines: ['median_ttft_ms', 'p99_ttft_ms', 'median_e2el_ms', 'p99_e2el_ms'].map(against),
    },
    {
      title: 'Throughput by rate',
      xTitle,
      yTitle: 'requests/s',
      lines: ['request_throughput', 'request_goodput'].map(against),
    },
  ];
}

function perSecond({ series }: RunResult, counts: readonly number[]): number[] {
  return counts.map((count) => count / series.width_s);
}

function toPoints({ series }: RunResult, values: readonly (number | null)[]): Line['points'] {
  return values.flatMap((value, at) =>
    value === null ? [] : [[at * series.width_s, value] as const],
  );
}
