import { GATEWAY_METRICS } from './gateway-table.ts';
import { GENAI_METRICS } from './genai-table.ts';
import type { MetricInfo } from './metric-info.ts';
import { POOL_METRICS } from './pool-table.ts';
import { RECORDS_METRICS } from './records-table.ts';
import { REQUEST_METRICS } from './request-table.ts';

export interface MetricGroup {
  readonly title: string;
  readonly metrics: readonly MetricInfo[];
}

/** Every metric there is, for the documents and for checks of dashboards. */
export const METRIC_GROUPS: readonly MetricGroup[] = [
  { title: 'Requests', metrics: Object.values(REQUEST_METRICS) },
  { title: 'Backends, queue, engines, GPUs', metrics: Object.values(POOL_METRICS) },
  { title: 'Books, budgets, trail, content', metrics: Object.values(RECORDS_METRICS) },
  { title: 'The gateway itself', metrics: Object.values(GATEWAY_METRICS) },
  { title: 'OpenTelemetry names', metrics: Object.values(GENAI_METRICS) },
];
