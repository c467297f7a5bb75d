import type {
  FinishedRequest,
  FullLiveDocument,
  LiveBackend,
  LiveCaller,
  LiveDocument,
  LiveModel,
  LiveRequest,
} from '../../src/observe/live-document.ts';
import { CALLER_KINDS } from '../../src/observe/live-document.ts';
import { LIVE_ROWS_MAX } from '../../src/observe/live-lists.ts';

/** How large the box is that `someLiveDocument` tells of. */
export interface SceneSize {
  readonly models: number;
  readonly backends: number;
  readonly callers: number;
  readonly requests: number;
  readonly gpus: number;
}

export const SMALL: SceneSize = { models: 3, backends: 4, callers: 4, requests: 5, gpus: 2 };
/** As many rows as a document has. */
export const LARGE: SceneSize = {
  ...{ models: 40, backends: 24, gpus: 8 },
  ...{ callers: LIVE_ROWS_MAX, requests: LIVE_ROWS_MAX },
};

const START_MS = Date.UTC(2026, 10, 18, 9, 0);
const BOUNDS_MS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
const STAGES = ['forward', 'queue', 'forward', 'forward', 'reserve'];

/**
 * The document of a busy gateway, so many seconds after its start: the same each time, with counters
 * that grow at known rates (50 requests, 1 error, 6,000 tokens in and 2,500 out a second).
 */
export function someLiveDocument(
  second: number,
  size: SceneSize = SMALL,
  since = 0,
): FullLiveDocument {
  const requests = Array.from({ length: size.requests }, (_, at) => someRequest(at, second));
  return {
    seq: Math.floor(second * 2),
    at: toIso(second),
    uptime_ms: second * 1_000,
    gateway: {
      version: '0.1.0',
      started_at: toIso(0),
      generation: 3,
      listen: 'http://127.0.0.1:8080',
      draining: false,
      in_flight: requests.length,
      queued: requests.filter(({ stage }) => stage === 'queue').length,
    },
    totals: {
      ...counters(second, 1),
      errors_by_code: {
        rate_limit_exceeded: Math.floor(second * 0.75),
        backend_timeout: Math.floor(second * 0.25),
      },
      unauthenticated: 7,
    },
    ttft: { bounds_ms: BOUNDS_MS, counts: histogram(second * 48, 4) },
    itl: { bounds_ms: BOUNDS_MS, counts: histogram(second * 40, 1) },
    models: Array.from({ length: size.models }, (_, at) => someModel(at, second, size.models)),
    backends: Array.from({ length: size.backends }, (_, at) => someBackend(at, second)),
    callers: Array.from({ length: size.callers }, (_, at) => someCaller(at, second, size.callers)),
    gpus: Array.from({ length: size.gpus }, (_, at) => someGpu(at, second)),
    requests,
    finished: someFinished(second, since),
    finished_left_out: 0,
    log: someLog(second, since),
    log_left_out: 0,
  };
}

function toIso(second: number): string {
  return new Date(START_MS + second * 1_000).toISOString();
}

/** `part`: of all traffic, 0 to 1. */
function counters(second: number, part: number) {
  return {
    requests: Math.floor(second * 50 * part),
    errors: Math.floor(second * part),
    input_tokens: Math.floor(second * 6_000 * part),
    output_tokens: Math.floor(second * 2_500 * part),
    cost_usd: (second * 0.002 * part).toFixed(6),
  };
}

/** Most samples in one bucket, a tail in those after it. */
function histogram(samples: number, peak: number): number[] {
  const shares = [0.55, 0.25, 0.12, 0.05, 0.02, 0.01];
  return Array.from({ length: BOUNDS_MS.length + 1 }, (_, at) =>
    Math.floor(samples * (shares[at - peak] ?? 0)),
  );
}

const MODELS = ['llama-3.3-70b', 'qwen3-coder', 'bge-m3'];

function someModel(at: number, second: number, all: number): LiveModel {
  return {
    name: MODELS[at] ?? `model-${String(at).padStart(2, '0')}`,
    ...counters(second, 1 / all),
    in_flight: (at * 7) % 5,
    queued: at === 0 ? 3 : 0,
    oldest_wait_ms: at === 0 ? 1_250 : 0,
    targets: [`gpu${at % 4}`, `gpu${(at + 1) % 4}`],
    ttft_counts: histogram((second * 48) / all, 4 - (at % 3)),
  };
}

const BACKENDS: readonly Partial<LiveBackend>[] = [
  {},
  { state: 'up', breaker: 'half_open', failure_rate: 0.12, failures: 31, breaker_opened: 2 },
  {
    ...{ state: 'down', breaker: 'open', problem: 'connection refused', engine: null },
    ...{ in_flight: 0, ttft_ms: null, failure_rate: 1, failures: 204, breaker_opened: 5 },
  },
  { drained: true, in_flight: 1 },
];

function someBackend(at: number, second: number): LiveBackend {
  const isManaged = at % 4 === 1;
  return {
    id: `gpu${at}`,
    type: 'vllm',
    url: `http://127.0.0.1:${8000 + at}`,
    state: 'up',
    drained: false,
    breaker: 'closed',
    breaker_opened: 0,
    failures: at,
    problem: null,
    checked_at: toIso(second - 1),
    in_flight: (at * 11 + Math.floor(second)) % 32,
    places: 32,
    ttft_ms: 120 + at * 15,
    failure_rate: 0,
    engine: { running: (at * 11 + Math.floor(second)) % 32, waiting: at % 3, kv_used: 0.42 },
    process: isManaged
      ? {
          ...{ state: 'ready', pid: 4_000 + at, group: 'big', gpus: [at % 8], in_use: 2 },
          ...{ waiting: 0, started_at: toIso(5), starts: 3, crashes: 1, problem: null },
        }
      : null,
    ...BACKENDS[at % BACKENDS.length],
  };
}

function someCaller(at: number, second: number, all: number): LiveCaller {
  const kind = CALLER_KINDS[at % 3] ?? 'key';
  const name = `${kind === 'key' ? 'app' : kind}-${at}`;
  return {
    kind,
    id: kind === 'key' ? `k${String(at).padStart(11, '0')}` : name,
    name,
    status: kind === 'key' ? (at === 3 ? 'suspended' : 'active') : null,
    in_flight: at % 4,
    ...counters(second, 1 / all),
    limits: kind === 'key' ? [{ measure: 'requests', limit: 600, remaining: 600 - at }] : [],
    budgets:
      at % 2 === 0
        ? [
            {
              ...{ measure: 'usd', window: 'month', limit: '50', held: '0.25' },
              ...{ spent: (20 + at / 10).toFixed(2), resets_at: '2026-12-01T00:00:00.000Z' },
            },
          ]
        : [],
  };
}

function someGpu(at: number, second: number): LiveDocument['gpus'][number] {
  return {
    index: at,
    name: 'NVIDIA H200',
    utilisation: ((at * 37 + Math.floor(second) * 3) % 101) / 100,
    memory_used_bytes: 100e9 + at * 1e9,
    memory_total_bytes: 150.7e9,
    power_w: 412.5 + at,
    power_limit_w: 700,
    energy_j: second * 412,
    temperature_c: 61 + at,
    sm_clock_mhz: 1_980,
    memory_clock_mhz: 3_201,
    processes: [{ pid: 4_001 + at, memory_bytes: 98e9, backend: `gpu${at}` }],
  };
}

function someWho(at: number) {
  return {
    key_id: `k${String(at % 9).padStart(11, '0')}`,
    key_name: `app-${at % 9}`,
    user: `user-${at % 5}`,
    team: 'research',
  };
}

export function requestId(at: number): string {
  return `01a0b1c2-d3e4-7f50-8a6b-${String(at).padStart(12, '0')}`;
}

function someRequest(at: number, second: number): LiveRequest {
  const stage = STAGES[at % STAGES.length] ?? 'forward';
  const isForwarded = stage === 'forward';
  const ageMs = 400 + at * 130 + (Math.floor(second * 10) % 10) * 10;
  return {
    id: requestId(at),
    started_at: toIso(second - ageMs / 1_000),
    age_ms: ageMs,
    endpoint: 'chat',
    model: MODELS[at % 3] ?? '',
    backend: isForwarded ? `gpu${at % 4}` : null,
    ...someWho(at),
    stage,
    streamed: at % 2 === 0,
    queue_ms: stage === 'queue' ? ageMs - 3 : 0,
    ttft_ms: isForwarded ? 130 + at : null,
    input_tokens: 1_200 + at,
    output_tokens: isForwarded ? Math.floor(ageMs / 20) : 0,
    attempts: [],
  };
}

/** Two a second, numbered by `seq`. */
function someFinished(second: number, since: number): FinishedRequest[] {
  const last = Math.floor(second * 2);
  const count = Math.min(last - since, 20);
  return Array.from({ length: Math.max(0, count) }, (_, back) => someFinishedRequest(last - back));
}

export function someFinishedRequest(seq: number): FinishedRequest {
  const isRetried = seq % 4 === 0;
  const isRefused = seq % 7 === 0;
  return {
    id: requestId(100_000 + seq),
    started_at: toIso(seq / 2 - 1),
    endpoint: 'chat',
    model: MODELS[seq % 3] ?? '',
    backend: isRefused ? null : `gpu${seq % 4}`,
    ...someWho(seq),
    outcome: isRefused ? 'refused' : 'served',
    code: isRefused ? 'rate_limit_exceeded' : null,
    status: isRefused ? 429 : 200,
    streamed: true,
    duration_ms: 900 + seq,
    queue_ms: isRetried ? 45 : 0,
    backend_ms: isRefused ? null : 850 + seq,
    ttft_ms: isRefused ? null : 140,
    input_tokens: 1_200,
    cached_input_tokens: 1_024,
    output_tokens: isRefused ? 0 : 48,
    reasoning_tokens: 0,
    estimated: false,
    cost_usd: isRefused ? '0' : '0.000161',
    price: { input_per_million_usd: '0.12', output_per_million_usd: '0.36' },
    attempt_count: isRefused ? 0 : isRetried ? 2 : 1,
    attempts: isRetried ? someAttempts(seq) : [],
    notes: isRetried ? [{ at_ms: 60.4, text: 'gpu2 refused the connection; gpu0 was next' }] : [],
  };
}

function someAttempts(seq: number): FinishedRequest['attempts'] {
  const model = MODELS[seq % 3] ?? '';
  return [
    {
      ...{ backend: 'gpu2', model, reason: 'least_busy', start_ms: 48, end_ms: 60 },
      ...{ first_token_ms: null, code: 'backend_error', status: null },
    },
    {
      ...{ backend: 'gpu0', model, reason: 'prefix', start_ms: 61, end_ms: 900 + seq },
      ...{ first_token_ms: 140, code: null, status: 200 },
    },
  ];
}

/** One line every other second. */
function someLog(second: number, since: number): LiveDocument['log'] {
  const last = Math.floor(second * 2);
  const lines: LiveDocument['log'] = [];
  for (let seq = Math.max(since + 1, last - 40); seq <= last; seq += 1) {
    if (seq % 4 !== 0) continue;
    const isBad = seq % 12 === 0;
    lines.push({
      at: toIso(seq / 2),
      level: isBad ? 'warn' : 'info',
      event: isBad ? 'backend_failed' : 'request',
      text: isBad ? 'backend=gpu2 stage=nothing_sent' : `id=${requestId(seq)} status=200`,
    });
  }
  return lines;
}
