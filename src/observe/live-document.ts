import { z } from 'zod';

/**
 * What a gateway is doing now, in one document: what `llmgate top` draws and `top --json` prints.
 * Counters only grow until the gateway ends, so that whoever asks twice gets rates and percentiles
 * of the time between by difference, and the gateway keeps nothing for anybody.
 */

const Usd = z.string().meta({ description: 'Exact decimal.' });
const Time = z.string().meta({ description: 'RFC 3339, UTC.' });
const count = z.number();
const orNull = z.number().nullable();

const LiveCounters = {
  requests: count,
  errors: count.meta({ description: 'Requests that were refused, cut or failed.' }),
  input_tokens: count,
  output_tokens: count,
  cost_usd: Usd,
};

export const LiveHistogram = z
  .object({
    bounds_ms: z.array(count).meta({ description: 'Upper bounds, ascending.' }),
    counts: z
      .array(count)
      .meta({ description: 'Not cumulated; the last one is beyond all bounds.' }),
  })
  .meta({ id: 'LiveHistogram' });
export type LiveHistogram = z.infer<typeof LiveHistogram>;

export const LiveModel = z
  .object({
    name: z.string(),
    ...LiveCounters,
    in_flight: count,
    queued: count,
    oldest_wait_ms: count,
    targets: z.array(z.string()).meta({ description: 'Backends that answer for it.' }),
    ttft_counts: z.array(count).meta({ description: 'As `ttft.counts`, of this model.' }),
  })
  .meta({ id: 'LiveModel' });
export type LiveModel = z.infer<typeof LiveModel>;

const LiveProcess = z
  .object({
    state: z.string(),
    pid: orNull,
    group: z.string().nullable(),
    gpus: z.array(count),
    in_use: count,
    waiting: count,
    started_at: Time.nullable(),
    starts: count,
    crashes: count,
    problem: z.string().nullable(),
  })
  .meta({ id: 'LiveProcess' });

export const LiveBackend = z
  .object({
    id: z.string(),
    type: z.string(),
    url: z.string(),
    state: z.string().meta({ description: 'unknown, up, warming, down or stopped.' }),
    drained: z.boolean(),
    breaker: z.string().meta({ description: 'closed, open or half_open.' }),
    breaker_opened: count,
    failures: count,
    problem: z.string().nullable(),
    checked_at: Time.nullable(),
    in_flight: count,
    places: orNull.meta({ description: 'Requests it may have at once; null: no bound.' }),
    ttft_ms: orNull.meta({ description: 'Moving average.' }),
    failure_rate: count.meta({ description: 'Moving average, 0 to 1.' }),
    engine: z
      .object({ running: count, waiting: count, kv_used: orNull })
      .nullable()
      .meta({ description: 'What the engine says of itself; null when it says nothing.' }),
    process: LiveProcess.nullable().meta({ description: 'null when llmgate does not start it.' }),
  })
  .meta({ id: 'LiveBackend' });
export type LiveBackend = z.infer<typeof LiveBackend>;

export const CALLER_KINDS = ['key', 'user', 'team'] as const;
export type CallerKind = (typeof CALLER_KINDS)[number];

export const LiveCaller = z
  .object({
    kind: z.enum(CALLER_KINDS),
    id: z.string(),
    name: z.string(),
    status: z.string().nullable().meta({ description: 'Of keys.' }),
    in_flight: count,
    ...LiveCounters,
    limits: z.array(
      z.object({
        measure: z.enum(['requests', 'tokens', 'concurrent']),
        limit: count,
        remaining: count,
      }),
    ),
    budgets: z
      .array(
        z.object({
          measure: z.enum(['usd', 'tokens']),
          window: z.string(),
          limit: z.string(),
          spent: z.string(),
          held: z.string(),
          resets_at: Time.nullable(),
        }),
      )
      .meta({ description: 'Amounts are decimal strings: dollars or tokens, by the measure.' }),
  })
  .meta({ id: 'LiveCaller' });
export type LiveCaller = z.infer<typeof LiveCaller>;

export const LiveGpu = z
  .object({
    index: count,
    name: z.string(),
    utilisation: orNull.meta({ description: '0 to 1.' }),
    memory_used_bytes: orNull,
    memory_total_bytes: orNull,
    power_w: orNull,
    power_limit_w: orNull,
    energy_j: orNull,
    temperature_c: orNull,
    sm_clock_mhz: orNull,
    memory_clock_mhz: orNull,
    processes: z.array(
      z.object({ pid: count, memory_bytes: orNull, backend: z.string().nullable() }),
    ),
  })
  .meta({ id: 'LiveGpu' });
export type LiveGpu = z.infer<typeof LiveGpu>;

const LiveWho = {
  key_id: z.string(),
  key_name: z.string(),
  user: z.string().nullable(),
  team: z.string().nullable(),
};

const LiveAttempt = z.object({
  backend: z.string(),
  model: z.string(),
  reason: z.string().meta({ description: 'Why this backend was chosen.' }),
  start_ms: count.meta({ description: 'After the request arrived.' }),
  end_ms: orNull,
  first_token_ms: orNull,
  code: z.string().nullable(),
  status: orNull,
});
export type LiveAttempt = z.infer<typeof LiveAttempt>;

export const LiveRequest = z
  .object({
    id: z.string(),
    started_at: Time,
    age_ms: count,
    endpoint: z.string(),
    model: z.string().meta({ description: 'Empty while it is not known.' }),
    backend: z.string().nullable(),
    ...LiveWho,
    stage: z.string().meta({ description: 'The stage it is in; `queue` while it is in line.' }),
    streamed: z.boolean(),
    queue_ms: count,
    ttft_ms: orNull,
    input_tokens: count,
    output_tokens: count.meta({ description: 'So far.' }),
    attempts: z.array(LiveAttempt),
  })
  .meta({ id: 'LiveRequest' });
export type LiveRequest = z.infer<typeof LiveRequest>;

export const FinishedRequest = z
  .object({
    id: z.string(),
    started_at: Time,
    endpoint: z.string(),
    model: z.string(),
    backend: z.string().nullable(),
    ...LiveWho,
    outcome: z.string(),
    code: z.string().nullable(),
    status: count,
    streamed: z.boolean(),
    duration_ms: count,
    queue_ms: count,
    backend_ms: orNull,
    ttft_ms: orNull,
    input_tokens: count,
    cached_input_tokens: count,
    output_tokens: count,
    reasoning_tokens: count,
    estimated: z.boolean().meta({ description: 'The tokens are our own count.' }),
    cost_usd: Usd.nullable().meta({ description: 'null when the model has no price.' }),
    price: z.object({ input_per_million_usd: Usd, output_per_million_usd: Usd }).nullable(),
    attempt_count: count,
    attempts: z.array(LiveAttempt).meta({ description: 'Of requests that went an unusual way.' }),
    notes: z.array(z.object({ at_ms: count, text: z.string() })),
  })
  .meta({ id: 'FinishedRequest' });
export type FinishedRequest = z.infer<typeof FinishedRequest>;

export const LiveLogLine = z
  .object({ at: Time, level: z.string(), event: z.string(), text: z.string() })
  .meta({ id: 'LiveLogLine' });
export type LiveLogLine = z.infer<typeof LiveLogLine>;

export const LiveDocument = z
  .object({
    seq: count.meta({ description: 'Pass as `since` to get only what comes after this.' }),
    at: Time,
    uptime_ms: count.meta({ description: 'Monotonic: rates are differences over this.' }),
    gateway: z.object({
      version: z.string(),
      started_at: Time,
      generation: count,
      listen: z.string(),
      draining: z.boolean(),
      in_flight: count,
      queued: count,
    }),
    totals: z.object({
      ...LiveCounters,
      errors_by_code: z.record(z.string(), count),
      unauthenticated: count.meta({ description: 'Refused before the caller was known.' }),
    }),
    ttft: LiveHistogram.meta({ description: 'Milliseconds to the first token.' }),
    itl: LiveHistogram.meta({ description: 'Milliseconds between output tokens.' }),
    models: z.array(LiveModel),
    backends: z.array(LiveBackend),
    callers: z.array(LiveCaller).nullable().meta({
      description: 'The busiest since somebody watches; null when not asked for.',
    }),
    gpus: z.array(LiveGpu),
    requests: z.array(LiveRequest).nullable().meta({
      description: 'In flight, the oldest first; null when not asked for.',
    }),
    finished: z.array(FinishedRequest).meta({ description: 'Since `since`, the newest first.' }),
    finished_left_out: count,
    log: z.array(LiveLogLine).meta({ description: 'Since `since`, the oldest first.' }),
    log_left_out: count,
  })
  .meta({ id: 'Live' });
export type LiveDocument = z.infer<typeof LiveDocument>;

/** One that has all its lists. */
export interface FullLiveDocument extends LiveDocument {
  callers: LiveCaller[];
  requests: LiveRequest[];
}
