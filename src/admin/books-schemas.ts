import { z } from 'zod';

const counters = {
  requests: z.number(),
  errors: z.number().meta({ description: 'Requests whose outcome is not `served`.' }),
  input_tokens: z.number().meta({ description: 'All input: text and the next four.' }),
  cached_input_tokens: z.number(),
  cache_write_tokens: z.number(),
  audio_input_tokens: z.number(),
  image_input_tokens: z.number(),
  output_tokens: z.number().meta({ description: 'All output: text and the next three.' }),
  reasoning_tokens: z.number(),
  audio_output_tokens: z.number(),
  image_output_tokens: z.number(),
  gpu_seconds: z.number().meta({
    description: 'Time of backends, shared among the requests that ran at once.',
  }),
  cost_usd: z.string().nullable().meta({
    description: 'Of the requests that had a price; null when none had. See `unpriced`.',
  }),
  unpriced: z.number().meta({ description: 'Requests without a price: unknown, not free.' }),
  estimated: z.number().meta({ description: 'Requests whose tokens llmgate counted itself.' }),
  estimated_cost_usd: z.string().nullable().meta({
    description: 'Of `cost_usd`, what those requests cost.',
  }),
  ttft_ms_p50: z.number().nullable(),
};

/**
 * The dimensions of a row come first, under the names they were asked by. The record is what keeps
 * them first: an object would put what it does not know last.
 */
export const UsageRowView = z.record(z.string(), z.unknown()).and(z.object(counters));
export type UsageRowView = z.infer<typeof UsageRowView>;

export const UsageDocument = z
  .object({
    since: z.string(),
    until: z.string(),
    rows: z.array(UsageRowView),
    total: z.object(counters),
  })
  .meta({ id: 'Usage' });
export type UsageDocument = z.infer<typeof UsageDocument>;

export const LedgerCheckView = z
  .object({
    ok: z.boolean(),
    requests: z.number(),
    open: z.number(),
    cost_usd: z.string(),
    estimated: z.number(),
    estimated_cost_usd: z.string().meta({ description: 'Of `cost_usd`, what is an estimate.' }),
    problems: z.array(z.string()),
  })
  .meta({ id: 'LedgerCheck' });
export type LedgerCheckView = z.infer<typeof LedgerCheckView>;

export const LedgerRebuildView = z
  .object({
    requests: z.number().meta({ description: 'That the sums were made from.' }),
    corrected_sums: z.number().meta({ description: 'Sums that were wrong and are right now.' }),
    problems: z.array(z.string()).meta({
      description: 'Budget counters of the running gateway that still differ from the rows.',
    }),
  })
  .meta({ id: 'LedgerRebuild' });
export type LedgerRebuildView = z.infer<typeof LedgerRebuildView>;
