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
  })
  .meta({ id: 'GatewayStatus' });
export type GatewayStatus = z.infer<typeof GatewayStatus>;

export const ModelView = z
  .object({
    name: z.string(),
    aliases: z.array(z.string()),
    source: z.enum(['config', 'discovered']),
    targets: z.array(z.object({ backend: z.string(), model: z.string() })),
    price: z
      .object({
        input_per_million_usd: z.string(),
        cached_input_per_million_usd: z.string(),
        output_per_million_usd: z.string(),
        reasoning_per_million_usd: z.string(),
      })
      .nullable(),
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
    state: z.enum(['up', 'down', 'unknown']),
    error: z.string().nullable().meta({ description: 'Why it is down.' }),
    checked_at: z.string().nullable(),
    models: z.array(z.string()),
    in_flight: z.number(),
  })
  .meta({ id: 'Backend' });
export type BackendView = z.infer<typeof BackendView>;

/** `problems` is the text that `validate` prints; empty when `ok`. */
export const ReloadResult = z
  .object({ ok: z.boolean(), generation: z.number(), problems: z.string() })
  .meta({ id: 'ReloadResult' });
export type ReloadResult = z.infer<typeof ReloadResult>;
