import { z } from 'zod';

const counters = {
  requests: z.number(),
  errors: z.number().meta({ description: 'Requests whose outcome is not `served`.' }),
  input_tokens: z.number(),
  cached_input_tokens: z.number(),
  output_tokens: z.number(),
  reasoning_tokens: z.number(),
  cost_usd: z.string().nullable().meta({
    description: 'Of the requests that had a price; null when none had. See `unpriced`.',
  }),
  unpriced: z.number().meta({ description: 'Requests without a price: unknown, not free.' }),
  estimated: z.number().meta({ description: 'Requests whose tokens llmgate counted itself.' }),
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
    estimated: z.number(),
    cost_usd: z.string(),
    problems: z.array(z.string()),
  })
  .meta({ id: 'LedgerCheck' });
export type LedgerCheckView = z.infer<typeof LedgerCheckView>;
