import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeDashboards } from '../../../scripts/lib/make-dashboards.ts';
import { renderMetricsReference } from '../../../scripts/lib/metrics-reference.ts';
import { monitoringQueries } from '../../../scripts/lib/monitoring/monitoring-queries.ts';
import { familyOf, promqlMetrics } from '../../../scripts/lib/monitoring/promql-names.ts';
import { METRIC_GROUPS } from '../../../src/observe/metrics/all-metrics.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const METRICS = new Map(
  METRIC_GROUPS.flatMap(({ metrics }) => metrics).map((metric) => [metric.name, metric]),
);
const FAMILIES = new Set(METRICS.keys());

test.each([...makeDashboards()])('deploy/grafana/%s is what the generator makes', (name, text) => {
  expect(readFileSync(join(ROOT, 'deploy/grafana', name), 'utf8')).toBe(text);
});

test('docs/metrics-reference.md is what the table says', () => {
  expect(readFileSync(join(ROOT, 'docs/metrics-reference.md'), 'utf8')).toBe(
    renderMetricsReference(),
  );
});

describe('queries of dashboards and alerts', () => {
  const queries = monitoringQueries(ROOT);

  test('there are many', () => {
    expect(queries.length).toBeGreaterThan(80);
  });

  test.each(queries.map(({ from, expr }) => [from, expr]))('%s: %s', (_, expr) => {
    const named = promqlMetrics(expr);
    expect(named.length).toBeGreaterThan(0);
    for (const { name, labels } of named) {
      if (name === 'up') continue; // Prometheus' own.
      const metric = METRICS.get(familyOf(name, FAMILIES));
      expect(metric, name).toBeDefined();
      const known = [...(metric?.labels ?? []), 'instance', 'job'];
      expect(known, `labels of ${name}`).toEqual(expect.arrayContaining([...labels]));
      expect(/_(?:bucket|sum|count)$/.test(name), name).toBe(metric?.kind === 'histogram');
    }
  });

  test('every metric that rate and increase are taken of is a counter or a histogram', () => {
    for (const { expr } of queries) {
      for (const [, name = ''] of expr.matchAll(/\b(?:rate|increase)\((\w+)/g)) {
        expect(METRICS.get(familyOf(name, FAMILIES))?.kind, expr).not.toBe('gauge');
      }
    }
  });
});

test.each([
  ['up{job="x"} == 0', ['up']],
  [
    'sum by (le, model) (rate(a_bucket{m=~"b.*",n!="c{"}[5m])) / on (x) group_left b > 1e3',
    ['a_bucket', 'b'],
  ],
  ['(sum(rate(a[5m])) or vector(0)) / b and c offset 5m', ['a', 'b', 'c']],
  ['histogram_quantile(0.95, a:b) unless bool d', ['a:b', 'd']],
])('names in %s', (expression, names) => {
  expect(promqlMetrics(expression).map(({ name }) => name)).toEqual(names);
});

test('labels in matchers', () => {
  expect(promqlMetrics('a{x="1",y!~"2"}[5m]')).toEqual([{ name: 'a', labels: ['x', 'y'] }]);
});
