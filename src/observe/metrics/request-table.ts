import { Bounds } from './histogram.ts';
import { counter, histogram } from './metric-info.ts';

/** What is recorded of every request of a known caller, when it is settled. */
export const REQUEST_METRICS = {
  requests: counter(
    'llmgate_requests_total',
    ['endpoint', 'model', 'outcome'],
    'Requests of known callers by how they ended.',
  ),
  errors: counter('llmgate_errors_total', ['code'], 'Requests that ended with an error, by code.'),
  duration: histogram(
    'llmgate_request_duration_seconds',
    ['model', 'outcome'],
    'From the arrival of a request to its settlement.',
  ),
  timeToFirstToken: histogram(
    'llmgate_time_to_first_token_seconds',
    ['model'],
    'From the arrival of a request to the first token of its answer, where that is streamed.',
  ),
  interToken: histogram(
    'llmgate_inter_token_seconds',
    ['model'],
    'Mean time between two tokens of one answer, one sample for each streamed answer.',
  ),
  queueWait: histogram(
    'llmgate_queue_wait_seconds',
    ['model'],
    'Time in line for a place at a backend.',
  ),
  overhead: histogram(
    'llmgate_gateway_overhead_seconds',
    [],
    'Time that the gateway itself added: duration less backend and less queue.',
  ),
  tokens: counter(
    'llmgate_tokens_total',
    ['direction', 'model'],
    'Tokens read and produced by models.',
  ),
  tokenParts: counter(
    'llmgate_token_parts_total',
    ['model', 'part'],
    'Parts of llmgate_tokens_total with a price or meaning of their own.',
  ),
  cost: counter('llmgate_cost_usd_total', ['model'], 'What settled requests cost in US dollars.'),
  unpriced: counter(
    'llmgate_unpriced_requests_total',
    ['model'],
    'Requests that used something for which no price is known.',
  ),
  gpuTime: counter(
    'llmgate_gpu_seconds_total',
    ['model'],
    'Backend time booked to requests where time has a price.',
  ),
  attempts: counter(
    'llmgate_backend_attempts_total',
    ['backend', 'outcome'],
    'Requests sent to backends, retries included.',
  ),
  attemptDuration: histogram(
    'llmgate_backend_attempt_duration_seconds',
    ['backend'],
    'From sending a request to a backend to the end of its answer.',
  ),
  labelOverflow: counter(
    'llmgate_metrics_label_overflow_total',
    ['label'],
    'Times that a label said other because it had too many values.',
  ),
};

/** Upper bounds in seconds. The short ones follow what engines publish, so that both can be compared. */
export const REQUEST_BOUNDS = {
  duration: new Bounds([
    ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640],
  ]),
  timeToFirstToken: new Bounds([
    ...[0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  ]),
  interToken: new Bounds([
    ...[0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3],
    ...[0.5, 1, 2.5],
  ]),
  queueWait: new Bounds([0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80]),
  overhead: new Bounds([
    ...[0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025],
    ...[0.05, 0.1, 0.25, 1],
  ]),
};
