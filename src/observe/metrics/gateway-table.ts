import { counter, gauge } from './metric-info.ts';

/** The gateway itself: read when it is asked for, from what it counts anyway. */
export const GATEWAY_METRICS = {
  build: gauge(
    'llmgate_build_info',
    ['version', 'commit', 'runtime'],
    'Always 1; what is running is in the labels.',
  ),
  startTime: gauge(
    'llmgate_start_time_seconds',
    [],
    'When the gateway started, in seconds since the epoch.',
  ),
  inFlight: gauge('llmgate_in_flight_requests', [], 'Requests that are not settled yet.'),
  bytesInFlight: gauge('llmgate_in_flight_bytes', [], 'Bytes of request bodies in memory.'),
  draining: gauge('llmgate_draining', [], '1 while the gateway ends and takes no new requests.'),
  generation: gauge('llmgate_config_generation', [], 'Counts accepted configurations, from 1.'),
  received: counter(
    'llmgate_requests_received_total',
    [],
    'Requests that arrived, also those of unknown callers.',
  ),
  unauthenticated: counter(
    'llmgate_unauthenticated_total',
    [],
    'Requests refused before the caller was known; no other metric of requests counts them.',
  ),
  overloaded: counter(
    'llmgate_overloaded_total',
    [],
    'Requests turned away because the gateway was at one of its own bounds.',
  ),
  policyPasses: counter(
    'llmgate_policy_passes_total',
    ['dependency'],
    'Requests served although what should have judged or recorded them failed, as configured.',
  ),
  clampedUsages: counter(
    'llmgate_clamped_usages_total',
    [],
    'Usage reported by backends that no request can have.',
  ),
  tagsLeftOut: counter(
    'llmgate_tags_left_out_total',
    [],
    'Requests booked without tags of their caller: too many different ones.',
  ),
  retries: counter('llmgate_retries_total', [], 'Attempts beyond the first of a request.'),
  retriesDenied: counter(
    'llmgate_retries_denied_total',
    [],
    'Attempts that the retry budget did not allow.',
  ),
  hedges: counter('llmgate_hedges_total', [], 'Second attempts beside a slow first one.'),
  shadows: counter(
    'llmgate_shadow_requests_total',
    ['result'],
    'Copies of requests for a shadow, sent or skipped for want of room.',
  ),
  limiterAdmitted: counter('llmgate_limiter_admitted_total', [], 'Requests within every limit.'),
  limiterRefused: counter('llmgate_limiter_refused_total', [], 'Requests refused by a limit.'),
  limiterCounters: gauge('llmgate_limiter_counters', [], 'Counters that the limits keep.'),
  limiterEvicted: counter(
    'llmgate_limiter_evicted_total',
    [],
    'Idle counters of limits dropped to make room.',
  ),
  keys: gauge('llmgate_keys_loaded', [], 'Keys in memory.'),
  loopLag: gauge('llmgate_event_loop_lag_seconds', [], 'How late the event loop last was.'),
  uncaught: counter('llmgate_uncaught_errors_total', [], 'Errors that nothing caught; bugs.'),
  logLines: counter('llmgate_log_lines_dropped_total', [], 'Log lines that could not be written.'),
  traceSpans: counter(
    'llmgate_trace_spans_total',
    ['result'],
    'Spans that the collector of traces took, and those that were dropped.',
  ),
  traceFailures: counter(
    'llmgate_trace_export_failures_total',
    [],
    'Batches of spans that the collector did not take, each attempt counted.',
  ),
  memory: gauge('llmgate_process_resident_memory_bytes', [], 'Memory of the process.'),
  cpu: counter(
    'llmgate_process_cpu_seconds_total',
    [],
    'Processor time of the process, all threads, user and system.',
  ),
  openFiles: gauge('llmgate_process_open_fds', [], 'File descriptors in use; Linux only.'),
  maxFiles: gauge('llmgate_process_max_fds', [], 'File descriptors allowed; Linux only.'),
  diskFree: gauge(
    'llmgate_data_disk_free_bytes',
    [],
    'What may still be written where the data directory lies.',
  ),
  diskSize: gauge(
    'llmgate_data_disk_size_bytes',
    [],
    'Size of the file system of the data directory.',
  ),
};
