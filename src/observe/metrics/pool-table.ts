import { counter, gauge } from './metric-info.ts';

/** Backends, lines, engines and GPUs. */
export const POOL_METRICS = {
  up: gauge(
    'llmgate_backend_up',
    ['backend'],
    '1 while requests may be sent there; 0 when down, warming, stopped or behind an open breaker.',
  ),
  accepts: gauge(
    'llmgate_backend_accepts',
    ['backend'],
    '1 while a request would be sent there now: up, not drained, not left alone for a while.',
  ),
  state: gauge('llmgate_backend_state', ['backend', 'state'], '1 for the state that it is in.'),
  breaker: gauge(
    'llmgate_backend_breaker_state',
    ['backend', 'state'],
    '1 for the state that the circuit breaker is in.',
  ),
  breakerOpened: counter(
    'llmgate_backend_breaker_opened_total',
    ['backend'],
    'Times that the circuit breaker opened.',
  ),
  drained: gauge('llmgate_backend_drained', ['backend'], '1 while an operator has drained it.'),
  failures: counter(
    'llmgate_backend_failures_total',
    ['backend'],
    'Probes and attempts that failed.',
  ),
  inFlight: gauge('llmgate_backend_in_flight', ['backend'], 'Places taken.'),
  places: gauge(
    'llmgate_backend_places',
    ['backend'],
    'Requests it may have at once; absent without a bound.',
  ),
  prefill: gauge(
    'llmgate_backend_prefill_tokens',
    ['backend'],
    'Prompt tokens sent there that have no first token yet, less what its cache should hold.',
  ),
  ttft: gauge(
    'llmgate_backend_ttft_seconds',
    ['backend'],
    'Moving average of the time to first token, as the scheduler sees it.',
  ),
  failureRate: gauge(
    'llmgate_backend_failure_ratio',
    ['backend'],
    'Moving average of failed attempts, as the scheduler sees it.',
  ),
  engineRunning: gauge('llmgate_engine_running', ['backend'], "Requests in the engine's batch."),
  engineWaiting: gauge('llmgate_engine_waiting', ['backend'], "Requests in the engine's queue."),
  engineKv: gauge(
    'llmgate_engine_kv_used_ratio',
    ['backend'],
    "Used part of the engine's KV cache.",
  ),
  reused: gauge(
    'llmgate_connections_reused_ratio',
    ['backend'],
    'Part of the requests that went out on a connection that was there.',
  ),
  connections: gauge('llmgate_connections', ['backend', 'state'], 'Connections, busy or idle.'),
  connectionFailures: counter(
    'llmgate_connection_failures_total',
    ['backend', 'cause'],
    'Requests that failed below HTTP.',
  ),
  queueDepth: gauge('llmgate_queue_depth', [], 'Requests in line for a place.'),
  modelQueue: gauge('llmgate_model_queue_depth', ['model'], 'Requests in line for a place.'),
  modelOldest: gauge(
    'llmgate_model_queue_oldest_seconds',
    ['model'],
    'How long the first in line has waited.',
  ),
  modelUtilisation: gauge(
    'llmgate_model_utilization_ratio',
    ['model'],
    'Taken places of its backends ÷ all their places; absent where one has no bound.',
  ),
  asked: counter('llmgate_scheduler_asked_total', [], 'Places asked for.'),
  queued: counter('llmgate_scheduler_queued_total', [], 'Requests that had to wait in line.'),
  full: counter('llmgate_scheduler_refused_total', [], 'Requests refused because lines were full.'),
  left: counter('llmgate_scheduler_left_total', [], 'Requests that left the line unserved.'),
  prefixHits: counter(
    'llmgate_scheduler_prefix_hits_total',
    [],
    'Places chosen because the backend should hold the beginning of the prompt.',
  ),
  prefixEntries: gauge('llmgate_scheduler_prefix_entries', [], 'Beginnings of prompts remembered.'),
  sessions: gauge('llmgate_scheduler_sessions', [], 'Sessions that keep to a backend.'),
  processState: gauge(
    'llmgate_engine_process_state',
    ['backend', 'state'],
    '1 for the state of the engine process that llmgate runs.',
  ),
  processStarts: counter(
    'llmgate_engine_process_starts_total',
    ['backend'],
    'Starts of the process.',
  ),
  processCrashes: counter(
    'llmgate_engine_process_crashes_total',
    ['backend'],
    'Ends of the process that nobody asked for.',
  ),
  processEvictions: counter(
    'llmgate_engine_process_evictions_total',
    ['backend'],
    'Times that the process was stopped to make room for another one.',
  ),
  processLoad: gauge(
    'llmgate_engine_process_load_seconds',
    ['backend'],
    'How long its last successful start took.',
  ),
  processInUse: gauge(
    'llmgate_engine_process_in_use',
    ['backend'],
    'Requests that use the process.',
  ),
  processWaiting: gauge(
    'llmgate_engine_process_waiting',
    ['backend'],
    'Requests waiting for its start.',
  ),
  gpu: gauge('llmgate_gpu_info', ['gpu', 'name', 'uuid'], 'Always 1; the GPU is in the labels.'),
  gpuUtilisation: gauge(
    'llmgate_gpu_utilization_ratio',
    ['gpu'],
    'Part of the time in which the GPU did anything at all.',
  ),
  gpuMemoryUsed: gauge('llmgate_gpu_memory_used_bytes', ['gpu'], 'Memory in use.'),
  gpuMemoryTotal: gauge('llmgate_gpu_memory_total_bytes', ['gpu'], 'Memory there is.'),
  gpuPower: gauge('llmgate_gpu_power_watts', ['gpu'], 'Power drawn.'),
  gpuPowerLimit: gauge('llmgate_gpu_power_limit_watts', ['gpu'], 'Power allowed.'),
  gpuEnergy: counter('llmgate_gpu_energy_joules_total', ['gpu'], 'Energy used.'),
  gpuTemperature: gauge('llmgate_gpu_temperature_celsius', ['gpu'], 'Temperature.'),
  gpuClock: gauge('llmgate_gpu_clock_hertz', ['gpu', 'clock'], 'Clock of multiprocessors, memory.'),
  gpuProcesses: gauge('llmgate_gpu_processes', ['gpu'], 'Processes on the GPU.'),
  energy: counter(
    'llmgate_backend_energy_joules_total',
    ['backend'],
    'Energy of the GPUs of a backend, idle times included.',
  ),
  energyPerToken: gauge(
    'llmgate_backend_joules_per_1k_tokens',
    ['backend'],
    'Energy for each thousand tokens read and written, since the start.',
  ),
};
