import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** One expression that Prometheus is asked, and who asks. */
export interface MonitoringQuery {
  readonly from: string;
  readonly expr: string;
}

/** Every expression in `deploy/grafana/*.json` and `deploy/prometheus/alerts.yaml`. */
export function monitoringQueries(root: string): MonitoringQuery[] {
  const queries: MonitoringQuery[] = [];
  const folder = join(root, 'deploy/grafana');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const dashboard: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    collect(dashboard, file, queries);
  }
  const rules: unknown = parse(readFileSync(join(root, 'deploy/prometheus/alerts.yaml'), 'utf8'));
  collect(rules, 'alerts.yaml', queries);
  return queries;
}

/** Wherever an `expr` is, under the nearest title or name of an alert. */
function collect(value: unknown, from: string, queries: MonitoringQuery[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const each of value) collect(each, from, queries);
    return;
  }
  const own = 'title' in value ? value.title : 'alert' in value ? value.alert : undefined;
  const named = typeof own === 'string' ? `${from.split(':')[0]}: ${own}` : from;
  if ('expr' in value && typeof value.expr === 'string') {
    queries.push({ from: named, expr: value.expr });
  }
  for (const each of Object.values(value)) collect(each, named, queries);
}
