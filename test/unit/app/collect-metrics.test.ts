import { expect, test } from 'vitest';
import { collectMetrics } from '../../../src/app/collect-metrics.ts';
import { createProcessFigures } from '../../../src/app/metrics/process-figures.ts';
import { METRIC_GROUPS } from '../../../src/observe/metrics/all-metrics.ts';
import { Exposition } from '../../../src/observe/metrics/exposition.ts';
import { someAttempt, someFact } from '../../support/some-fact.ts';
import { someMetricSources } from '../../support/some-metric-sources.ts';

function page(sources = someMetricSources()): string {
  sources.requests.settled(someFact());
  sources.requests.attempted('gpu0', 'ok', someAttempt());
  const out = new Exposition('text');
  collectMetrics(out, sources);
  return out.end();
}

test.each([
  ['a backend that is up', 'llmgate_backend_up{backend="gpu0"} 1'],
  ['one that is down', 'llmgate_backend_up{backend="gpu1"} 0'],
  ['a vendor that nobody probes', 'llmgate_backend_up{backend="cloud"} 1'],
  ['the state as a set', 'llmgate_backend_state{backend="gpu1",state="down"} 1'],
  ['with the others', 'llmgate_backend_state{backend="gpu1",state="up"} 0'],
  ['the breaker', 'llmgate_backend_breaker_state{backend="gpu1",state="open"} 1'],
  ['what the engine says', 'llmgate_engine_kv_used_ratio{backend="gpu0"} 0.5'],
  ['connections used again', 'llmgate_connections_reused_ratio{backend="gpu0"} 0.9'],
  ['connections at work', 'llmgate_connections{backend="gpu0",state="busy"} 2'],
  ['why they failed', 'llmgate_connection_failures_total{backend="gpu0",cause="refused"} 2'],
  ['all lines together', 'llmgate_queue_depth 5'],
  ['one line', 'llmgate_model_queue_depth{model="small"} 5'],
  ['a model without a line', 'llmgate_model_queue_depth{model="large"} 0'],
  ['the longest wait', 'llmgate_model_queue_oldest_seconds{model="small"} 1.5'],
  ['how full a model is', 'llmgate_model_utilization_ratio{model="small"} 0.5'],
  ['an engine process', 'llmgate_engine_process_state{backend="gpu1",state="failed"} 1'],
  ['a GPU', 'llmgate_gpu_info{gpu="0",name="H200",uuid="GPU-1"} 1'],
  ['its clock', 'llmgate_gpu_clock_hertz{gpu="0",clock="sm"} 1980000000'],
  ['money set aside', 'llmgate_budget_held_usd 1.5'],
  ['an export that fails', 'llmgate_export_failing_seconds{sink="file:/trail"} 30'],
  ['alerts', 'llmgate_alerts_total{kind="budget",result="delivered"} 2'],
  ['requests let through', 'llmgate_policy_passes_total{dependency="audit"} 1'],
  ['in flight', 'llmgate_in_flight_requests 13'],
  ['event loop', 'llmgate_event_loop_lag_seconds 0.0015'],
  ['processor time', 'llmgate_process_cpu_seconds_total 12.25'],
  ['the start', 'llmgate_start_time_seconds 1700000000.5'],
  ['the build', 'llmgate_build_info{version="1.2.3",commit="abc",runtime="bun 1.4.4"} 1'],
])('%s', (_, line) => {
  expect(page().split('\n')).toContain(line);
});

test('a model on a backend without a bound has no utilisation', () => {
  expect(page()).not.toContain('llmgate_model_utilization_ratio{model="large"}');
});

test('every metric there is, once, with help and type, and with a sample when all figures are there', () => {
  const lines = page().split('\n');
  const types = lines.filter((line) => line.startsWith('# TYPE '));
  const expected = METRIC_GROUPS.flatMap(({ metrics }) => metrics);
  expect(types.toSorted()).toEqual(
    expected.map(({ name, kind }) => `# TYPE ${name} ${kind}`).toSorted(),
  );
  const quiet = expected.filter(({ name, kind }) => {
    const sample = kind === 'histogram' ? `${name}_count` : name;
    return !lines.some((line) => line.startsWith(`${sample}{`) || line.startsWith(`${sample} `));
  });
  // These need an error, a part of a token, or a request without a price.
  expect(quiet.map(({ name }) => name)).toEqual([
    'llmgate_errors_total',
    'llmgate_token_parts_total',
  ]);
});

test('samples have the labels that the table promises', () => {
  const labels = new Map(
    METRIC_GROUPS.flatMap(({ metrics }) => metrics).map(({ name, labels: names }) => [name, names]),
  );
  for (const line of page().split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, sample = '', inner = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    const name = labels.has(sample) ? sample : sample.replace(/_(?:bucket|sum|count)$/, '');
    const found = Array.from(inner.matchAll(/(\w+)="/g), ([, label]) => label);
    const promised = labels.get(name);
    const told = found.filter((label) => label !== 'le');
    const optional = (promised ?? []).filter((label) => label !== 'error_type');
    expect(told, line).toEqual(told.includes('error_type') ? promised : optional);
  }
});

test('names follow the rules: a prefix, base units, _total on counters alone', () => {
  for (const { name, kind } of METRIC_GROUPS.flatMap(({ metrics }) => metrics)) {
    expect(name).toMatch(/^(?:llmgate|gen_ai)_[a-z0-9_]+$/);
    expect(name.endsWith('_total'), name).toBe(kind === 'counter');
    expect(name).not.toMatch(/_(?:ms|milliseconds|percent|count|sum|bucket|kb|mb)$/);
  }
});

test('figures of this very process', () => {
  const figures = createProcessFigures('/tmp')();
  expect(figures.memoryBytes).toBeGreaterThan(1e7);
  expect(figures.cpuSeconds).toBeGreaterThan(0);
  expect(figures.diskFreeBytes).toBeGreaterThan(0);
  expect(createProcessFigures('/no/such/place')().diskFreeBytes).toBeNull();
});
