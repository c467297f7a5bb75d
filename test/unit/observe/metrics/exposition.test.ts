import { expect, test } from 'vitest';
import {
  Exposition,
  renderBound,
  renderLabels,
  renderNumber,
} from '../../../../src/observe/metrics/exposition.ts';
import { Bounds, Histogram } from '../../../../src/observe/metrics/histogram.ts';
import { counter, gauge, histogram } from '../../../../src/observe/metrics/metric-info.ts';
import { createMetricsPage } from '../../../../src/observe/metrics/metrics-page.ts';

const JOBS = counter('jobs_total', ['kind'], 'Jobs that have\nended.');
const HEAT = gauge('heat_celsius', [], 'How warm it is.');
const WAIT = histogram('wait_seconds', ['kind'], 'Waits.');

function renderAll(format: 'text' | 'openmetrics'): string {
  const out = new Exposition(format);
  out.begin(JOBS);
  out.sample(renderLabels(['kind'], ['a"b\\c\nd']), 3);
  out.one(HEAT, 36.6);
  const waits = new Histogram(new Bounds([0.5, 1]));
  for (const seconds of [0.25, 0.5, 0.75, 7, -1, Number.NaN]) waits.observe(seconds);
  out.begin(WAIT);
  waits.write(out, WAIT.name, renderLabels(['kind'], ['x']));
  return out.end();
}

const TEXT = `# HELP jobs_total Jobs that have\\nended.
# TYPE jobs_total counter
jobs_total{kind="a\\"b\\\\c\\nd"} 3
# HELP heat_celsius How warm it is.
# TYPE heat_celsius gauge
heat_celsius 36.6
# HELP wait_seconds Waits.
# TYPE wait_seconds histogram
wait_seconds_bucket{kind="x",le="0.5"} 3
wait_seconds_bucket{kind="x",le="1.0"} 4
wait_seconds_bucket{kind="x",le="+Inf"} 5
wait_seconds_sum{kind="x"} 8.5
wait_seconds_count{kind="x"} 5
`;

test('text format 0.0.4: escaped, cumulated, negative waits as zero, what is no number left out', () => {
  expect(renderAll('text')).toBe(TEXT);
});

test('OpenMetrics: families of counters without _total, and an end', () => {
  const openMetrics = TEXT.replace('HELP jobs_total', 'HELP jobs').replace(
    'TYPE jobs_total',
    'TYPE jobs',
  );
  expect(renderAll('openmetrics')).toBe(`${openMetrics}# EOF\n`);
});

test('a histogram without labels', () => {
  const out = new Exposition('text');
  new Histogram(new Bounds([1])).write(out, 'w', '');
  expect(out.end()).toBe('w_bucket{le="1.0"} 0\nw_bucket{le="+Inf"} 0\nw_sum 0\nw_count 0\n');
});

test.each([
  [0, '0'],
  [1e-7, '1e-7'],
  [1e21, '1e+21'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [Number.NaN, 'NaN'],
])('the number %s', (value, text) => {
  expect(renderNumber(value)).toBe(text);
});

test('bounds', () => {
  expect([0.005, 2, 80].map(renderBound)).toEqual(['0.005', '2.0', '80.0']);
});

test('half a surrogate pair in a name cannot spoil the encoding', () => {
  const labels = renderLabels(['model'], ['a\ud800b']);
  expect(Buffer.from(labels).toString()).toBe('{model="a\ufffdb"}');
});

test.each([
  [null, 'text/plain; version=0.0.4; charset=utf-8'],
  ['*/*', 'text/plain; version=0.0.4; charset=utf-8'],
  ['text/plain;version=0.0.4', 'text/plain; version=0.0.4; charset=utf-8'],
  ['application/openmetrics-text;q=0.0,text/plain', 'text/plain; version=0.0.4; charset=utf-8'],
  [
    // What Prometheus 3 sends.
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  ],
])('accept %s', (accept, contentType) => {
  expect(
    createMetricsPage(
      () => {},
      () => 0,
    )(accept).contentType,
  ).toBe(contentType);
});

test('a page is rendered at most every 200 ms, for each format', () => {
  let nowMs = 1_000;
  let written = 0;
  const page = createMetricsPage(
    () => {
      written += 1;
    },
    () => nowMs,
  );
  for (let scrape = 0; scrape < 50; scrape += 1) page(null);
  expect(written).toBe(1);
  page('application/openmetrics-text');
  expect(written).toBe(2);
  nowMs += 200;
  page(null);
  expect(written).toBe(3);
});
