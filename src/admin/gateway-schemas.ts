import { z } from 'zod';

/** What a running gateway says about itself. Only it knows these; nothing is read from disk. */

export const GatewayStatus = z
  .object({
    version: z.string(),
    started_at: z.string(),
    generation: z.number().meta({ description: 'Counts accepted configurations, from 1.' }),
    config_file: z.string().nullable(),
    listen: z.string(),
    draining: z.boolean(),
    in_flight: z.number(),
    requests: z.number().meta({ description: 'Since the start, refused ones included.' }),
    unauthenticated: z
      .number()
      .meta({ description: 'Refused before the caller was known; these leave no row.' }),
    clamped_usages: z
      .number()
      .meta({ description: 'Usage that a backend reported and that no request can have.' }),
    ledger: z.object({
      commits: z.number(),
      rows_opened: z.number(),
      rows_settled: z.number(),
      queued: z.number(),
      unwritten: z.number(),
      dropped: z.number(),
    }),
    unrecorded: z
      .number()
      .meta({ description: 'Served before they could be recorded, as audit.on_failure allows.' }),
    tags_left_out: z.number().meta({
      description: "Requests booked without their caller's tags: too many different ones.",
    }),
    budgets: z.object({
      refused: z.number(),
      holds: z.number(),
      held_usd: z.string(),
      overruns: z.number().meta({ description: 'Requests that cost more than was held.' }),
      overrun_usd: z.string(),
    }),
    audit: z.object({
      checkpoints: z.number(),
      failures: z.number().meta({ description: 'Events and checkpoints the store refused.' }),
    }),
    content: z.object({
      kept: z.number(),
      lost: z.record(z.string(), z.number()).meta({ description: 'By what was missing.' }),
      failing: z.boolean(),
    }),
    retention: z.object({
      purged_rows: z.number().meta({ description: 'Removed since the start, of all classes.' }),
      runs: z.number(),
      last_run_at: z.string().nullable(),
      failures: z.number(),
      failing: z.boolean(),
      waits_ms: z
        .number()
        .meta({ description: 'For how long the wall clock is not yet believed; 0 when it is.' }),
    }),
    exports: z.array(
      z.object({
        id: z.string(),
        rows: z.number(),
        lag_rows: z.number().meta({ description: 'Rows the sink does not have yet.' }),
        failures: z.number(),
        failing_since: z.string().nullable(),
        last_failure: z.string().nullable(),
      }),
    ),
    alerts: z
      .object({ delivered: z.number(), failed: z.number(), given_up: z.number() })
      .nullable()
      .meta({ description: 'null without alerts.webhook.' }),
  })
  .meta({ id: 'GatewayStatus' });
export type GatewayStatus = z.infer<typeof GatewayStatus>;

const Usd = z.string().meta({ description: 'Exact decimal.' });

const Rates = {
  input_per_million_usd: Usd,
  cached_input_per_million_usd: Usd,
  cache_write_per_million_usd: Usd,
  audio_input_per_million_usd: Usd,
  image_input_per_million_usd: Usd,
  output_per_million_usd: Usd,
  reasoning_per_million_usd: Usd,
  audio_output_per_million_usd: Usd,
  image_output_per_million_usd: Usd,
};

const PriceView = z
  .object({
    ...Rates,
    tiers: z.array(z.object({ above_input_tokens: z.number(), ...Rates })),
    gpu_hour_usd: Usd.meta({ description: 'An hour of all GPUs of the model.' }),
  })
  .meta({ id: 'Price' });
export type PriceView = z.infer<typeof PriceView>;

export const ModelView = z
  .object({
    name: z.string(),
    aliases: z.array(z.string()),
    source: z.enum(['config', 'discovered']),
    targets: z.array(
      z.object({ backend: z.string(), model: z.string(), price: PriceView.nullable() }),
    ),
    price: PriceView.nullable(),
    context_tokens: z.number().nullable(),
    max_output_tokens: z.number().nullable(),
  })
  .meta({ id: 'Model' });
export type ModelView = z.infer<typeof ModelView>;

export const BackendView = z
  .object({
    id: z.string(),
    type: z.string(),
    url: z.string(),
    labels: z.array(z.string()),
    state: z.enum(['up', 'warming', 'down', 'stopped', 'unknown']).meta({
      description: 'stopped: a model server that is started when a request needs it.',
    }),
    drained: z.boolean(),
    breaker: z.enum(['closed', 'open', 'half_open']),
    error: z.string().nullable().meta({ description: 'Why it is not up.' }),
    checked_at: z.string().nullable(),
    models: z.array(z.string()),
    in_flight: z.number(),
    places: z
      .number()
      .nullable()
      .meta({ description: 'Requests it may have at once, if bounded.' }),
    ttft_ms: z.number().nullable().meta({ description: 'Moving average of its first tokens.' }),
    engine: z
      .object({ running: z.number(), waiting: z.number(), kv_used: z.number().nullable() })
      .nullable()
      .meta({ description: 'What its own metrics say; null when they say nothing.' }),
    process: z
      .object({
        state: z.string(),
        pid: z.number().nullable(),
        starts: z.number(),
        crashes: z.number(),
        waiting: z.number(),
        problem: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'Of a model server that llmgate starts itself.' }),
  })
  .meta({ id: 'Backend' });
export type BackendView = z.infer<typeof BackendView>;

/** `problems` is the text that `validate` prints; empty when `ok`. */
export const ReloadResult = z
  .object({ ok: z.boolean(), generation: z.number(), problems: z.string() })
  .meta({ id: 'ReloadResult' });
export type ReloadResult = z.infer<typeof ReloadResult>;
