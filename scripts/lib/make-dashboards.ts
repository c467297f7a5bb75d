import { line, type Query, type Row, renderDashboard, stat } from './monitoring/grafana.ts';

const MODEL = 'model=~"$model"';
const BACKEND = 'backend=~"$backend"';
const RATE = '[$__rate_interval]';

/** The dashboards of `deploy/grafana`, by file name. */
export function makeDashboards(): ReadonlyMap<string, string> {
  return new Map([['llmgate.json', renderDashboard('llmgate', 'llmgate', ROWS)]]);
}

function rate(metric: string, matchers = '', by = ''): string {
  const sum = by === '' ? 'sum' : `sum by (${by}) `;
  return `${sum}(rate(${metric}${matchers === '' ? '' : `{${matchers}}`}${RATE}))`;
}

function quantile(part: number, histogram: string, matchers = '', by = ''): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${part}, ${rate(`${histogram}_bucket`, matchers, labels)})`;
}

/** The usual percentiles of a histogram, as lines. */
function percentiles(histogram: string, matchers = ''): Query[] {
  return [0.5, 0.95, 0.99].map((part) => ({
    expr: quantile(part, histogram, matchers),
    legend: `p${part * 100}`,
  }));
}

function by(label: string, expr: string): Query[] {
  return [{ expr, legend: `{{${label}}}` }];
}

const SERVER_FAULTS =
  'code=~"backend_.*|no_backend_available|overloaded|store_unavailable|internal"';

const NOW: Row = {
  title: 'Now',
  panels: [
    stat('Requests', 'reqps', rate('llmgate_requests_total', MODEL)),
    stat('In flight', 'short', 'sum(llmgate_in_flight_requests)'),
    stat('In line', 'short', 'sum(llmgate_queue_depth)'),
    stat(
      'Output tokens per second',
      'short',
      rate('llmgate_tokens_total', `direction="output",${MODEL}`),
    ),
    stat('First token, p95', 's', quantile(0.95, 'llmgate_time_to_first_token_seconds', MODEL)),
    stat('Cost per hour', 'currencyUSD', `${rate('llmgate_cost_usd_total', MODEL)} * 3600`),
    stat(
      'Faults',
      'percentunit',
      `(${rate('llmgate_errors_total', SERVER_FAULTS)} or vector(0)) / ${rate('llmgate_requests_total')}`,
    ),
    stat('Backends up', 'short', 'sum(llmgate_backend_up)'),
  ],
};

const TRAFFIC: Row = {
  title: 'Traffic',
  panels: [
    line(
      'Requests by outcome',
      'reqps',
      by('outcome', rate('llmgate_requests_total', MODEL, 'outcome')),
    ),
    line('Requests by model', 'reqps', by('model', rate('llmgate_requests_total', MODEL, 'model'))),
    line(
      'Requests by endpoint',
      'reqps',
      by('endpoint', rate('llmgate_requests_total', MODEL, 'endpoint')),
    ),
    line('In flight', 'short', [
      { expr: 'sum(llmgate_in_flight_requests)', legend: 'in flight' },
      { expr: 'sum(llmgate_queue_depth)', legend: 'in line' },
    ]),
    line(
      'Turned away',
      'reqps',
      [
        { expr: rate('llmgate_unauthenticated_total'), legend: 'unknown caller' },
        { expr: rate('llmgate_limiter_refused_total'), legend: 'limit' },
        { expr: rate('llmgate_budget_refused_total'), legend: 'budget' },
        { expr: rate('llmgate_scheduler_refused_total'), legend: 'full line' },
        { expr: rate('llmgate_overloaded_total'), legend: 'gateway overloaded' },
      ],
      'Requests that no backend was asked for, by who turned them away.',
    ),
    line(
      'Served although unrecorded',
      'reqps',
      by('dependency', rate('llmgate_policy_passes_total', '', 'dependency')),
      'Not zero only where the configuration prefers answers to records.',
    ),
  ],
};

const LATENCY: Row = {
  title: 'Latency',
  panels: [
    line('Time to first token', 's', percentiles('llmgate_time_to_first_token_seconds', MODEL)),
    line(
      'Time to first token by model, p95',
      's',
      by('model', quantile(0.95, 'llmgate_time_to_first_token_seconds', MODEL, 'model')),
    ),
    line('Between tokens', 's', percentiles('llmgate_inter_token_seconds', MODEL)),
    line(
      'Whole request, served',
      's',
      percentiles('llmgate_request_duration_seconds', `outcome="served",${MODEL}`),
    ),
    line(
      'In line by model, p95',
      's',
      by('model', quantile(0.95, 'llmgate_queue_wait_seconds', MODEL, 'model')),
    ),
    line('Added by the gateway', 's', percentiles('llmgate_gateway_overhead_seconds')),
  ],
};

const TOKENS: Row = {
  title: 'Tokens and cost',
  panels: [
    line(
      'Tokens per second by direction',
      'short',
      by('direction', rate('llmgate_tokens_total', MODEL, 'direction')),
    ),
    line(
      'Output tokens per second by model',
      'short',
      by('model', rate('llmgate_tokens_total', `direction="output",${MODEL}`, 'model')),
    ),
    line(
      'Input from cache',
      'percentunit',
      by(
        'model',
        `${rate('llmgate_token_parts_total', `part="cached_input",${MODEL}`, 'model')} / ${rate('llmgate_tokens_total', `direction="input",${MODEL}`, 'model')}`,
      ),
    ),
    line(
      'Cost per hour by model',
      'currencyUSD',
      by('model', `${rate('llmgate_cost_usd_total', MODEL, 'model')} * 3600`),
    ),
    line(
      'Cost of the time shown',
      'currencyUSD',
      by('model', `sum by (model) (increase(llmgate_cost_usd_total{${MODEL}}[$__range]))`),
    ),
    line(
      'Requests without a price',
      'reqps',
      by('model', rate('llmgate_unpriced_requests_total', MODEL, 'model')),
    ),
  ],
};

const BACKENDS: Row = {
  title: 'Backends and queue',
  panels: [
    line('Up', 'bool_yes_no', by('backend', `llmgate_backend_up{${BACKEND}}`)),
    line(
      'Places taken',
      'percentunit',
      by('backend', `llmgate_backend_in_flight{${BACKEND}} / llmgate_backend_places{${BACKEND}}`),
    ),
    line('In flight', 'short', by('backend', `llmgate_backend_in_flight{${BACKEND}}`)),
    line(
      'Attempts by outcome',
      'reqps',
      by('outcome', rate('llmgate_backend_attempts_total', BACKEND, 'outcome')),
    ),
    line(
      'Failed attempts',
      'percentunit',
      by(
        'backend',
        `${rate('llmgate_backend_attempts_total', `outcome="failed",${BACKEND}`, 'backend')} / ${rate('llmgate_backend_attempts_total', BACKEND, 'backend')}`,
      ),
    ),
    line(
      'Attempt, p95',
      's',
      by('backend', quantile(0.95, 'llmgate_backend_attempt_duration_seconds', BACKEND, 'backend')),
    ),
    line('In line by model', 'short', by('model', `llmgate_model_queue_depth{${MODEL}}`)),
    line(
      'First in line has waited',
      's',
      by('model', `llmgate_model_queue_oldest_seconds{${MODEL}}`),
    ),
    line(
      'Utilisation by model',
      'percentunit',
      by('model', `llmgate_model_utilization_ratio{${MODEL}}`),
      'Near 1 with a line before it: another replica would help.',
    ),
    line('Engine: running and waiting', 'short', [
      { expr: `llmgate_engine_running{${BACKEND}}`, legend: '{{backend}} running' },
      { expr: `llmgate_engine_waiting{${BACKEND}}`, legend: '{{backend}} waiting' },
    ]),
    line(
      'Engine: KV cache',
      'percentunit',
      by('backend', `llmgate_engine_kv_used_ratio{${BACKEND}}`),
    ),
    line('Prompts sent where they are cached', 'percentunit', [
      {
        expr: `${rate('llmgate_scheduler_prefix_hits_total')} / ${rate('llmgate_scheduler_asked_total')}`,
        legend: 'prefix hits',
      },
    ]),
    line(
      'Connections used again',
      'percentunit',
      by('backend', `llmgate_connections_reused_ratio{${BACKEND}}`),
    ),
    line('Retries and hedges', 'reqps', [
      { expr: rate('llmgate_retries_total'), legend: 'retries' },
      { expr: rate('llmgate_retries_denied_total'), legend: 'not allowed by the retry budget' },
      { expr: rate('llmgate_hedges_total'), legend: 'hedges' },
    ]),
    line('Engine processes', 'short', [
      {
        expr: `llmgate_engine_process_state{state="ready",${BACKEND}}`,
        legend: '{{backend}} ready',
      },
      {
        expr: `increase(llmgate_engine_process_crashes_total{${BACKEND}}${RATE})`,
        legend: '{{backend}} crashes',
      },
    ]),
  ],
};

const GPUS: Row = {
  title: 'GPU',
  panels: [
    line('Utilisation', 'percentunit', by('gpu', 'llmgate_gpu_utilization_ratio')),
    line(
      'Memory',
      'percentunit',
      by('gpu', 'llmgate_gpu_memory_used_bytes / llmgate_gpu_memory_total_bytes'),
    ),
    line('Power', 'watt', by('gpu', 'llmgate_gpu_power_watts')),
    line('Temperature', 'celsius', by('gpu', 'llmgate_gpu_temperature_celsius')),
    line('Clock', 'hertz', [{ expr: 'llmgate_gpu_clock_hertz', legend: '{{gpu}} {{clock}}' }]),
    line(
      'Energy per thousand tokens',
      'joule',
      by('backend', `llmgate_backend_joules_per_1k_tokens{${BACKEND}}`),
    ),
  ],
};

const BUDGETS: Row = {
  title: 'Budgets',
  panels: [
    line('Refused for a budget', 'reqps', [
      { expr: rate('llmgate_budget_refused_total'), legend: 'refused' },
    ]),
    line('Set aside for running requests', 'currencyUSD', [
      { expr: 'sum(llmgate_budget_held_usd)', legend: 'held' },
    ]),
    line(
      'Cost beyond what was held',
      'currencyUSD',
      [{ expr: 'sum(increase(llmgate_budget_overrun_usd_total[$__range]))', legend: 'overrun' }],
      'In the time shown. Prices or token limits that do not fit are the usual cause.',
    ),
  ],
};

const ERRORS: Row = {
  title: 'Errors',
  panels: [
    line('Errors by code', 'reqps', by('code', rate('llmgate_errors_total', '', 'code'))),
    line('Faults of backends and gateway', 'percentunit', [
      {
        expr: `(${rate('llmgate_errors_total', SERVER_FAULTS)} or vector(0)) / ${rate('llmgate_requests_total')}`,
        legend: 'faults',
      },
    ]),
    line('Connections that failed', 'reqps', [
      {
        expr: rate('llmgate_connection_failures_total', BACKEND, 'backend, cause'),
        legend: '{{backend}} {{cause}}',
      },
    ]),
    line('Books behind', 'short', [
      { expr: 'sum(llmgate_ledger_unwritten)', legend: 'settled, not written' },
      {
        expr: 'sum(increase(llmgate_ledger_dropped_total[$__range]))',
        legend: 'lost in the time shown',
      },
    ]),
    line('Exports behind', 'short', by('sink', 'llmgate_export_lag_rows')),
    line(
      'Records that failed',
      'short',
      [
        { expr: 'sum(increase(llmgate_audit_failures_total[$__range]))', legend: 'audit events' },
        {
          expr: 'sum by (reason) (increase(llmgate_content_lost_total[$__range]))',
          legend: 'content: {{reason}}',
        },
        { expr: 'sum(increase(llmgate_retention_failures_total[$__range]))', legend: 'retention' },
      ],
      'In the time shown.',
    ),
  ],
};

const GATEWAY: Row = {
  title: 'The gateway itself',
  panels: [
    line('Processor', 'percentunit', [
      { expr: rate('llmgate_process_cpu_seconds_total'), legend: 'cores' },
    ]),
    line('Memory', 'bytes', [
      { expr: 'sum(llmgate_process_resident_memory_bytes)', legend: 'resident' },
      { expr: 'sum(llmgate_in_flight_bytes)', legend: 'request bodies' },
    ]),
    line('Event loop late by', 's', [
      { expr: 'max(llmgate_event_loop_lag_seconds)', legend: 'lag' },
    ]),
    line('Descriptors', 'percentunit', [
      { expr: 'max(llmgate_process_open_fds / llmgate_process_max_fds)', legend: 'open' },
    ]),
    line('Disk of the data directory', 'percentunit', [
      {
        expr: '1 - min(llmgate_data_disk_free_bytes / llmgate_data_disk_size_bytes)',
        legend: 'used',
      },
    ]),
    line('Requests per commit of the books', 'short', [
      {
        expr: `${rate('llmgate_ledger_rows_settled_total')} / ${rate('llmgate_ledger_commits_total')}`,
        legend: 'rows',
      },
    ]),
  ],
};

const ROWS: readonly Row[] = [
  NOW,
  TRAFFIC,
  LATENCY,
  TOKENS,
  BACKENDS,
  GPUS,
  BUDGETS,
  ERRORS,
  GATEWAY,
];
