import { z } from 'zod';
import { BudgetView } from './budget-schemas.ts';

/** How one request went: the JSON of `llmgate explain REQUEST_ID`. */

const Usd = z.string().meta({ description: 'Exact decimal.' });
const Time = z.string().meta({ description: 'RFC 3339, UTC.' });
const Ms = z.number().meta({ description: 'Milliseconds after the request arrived.' });
const count = z.number();
const countOrNull = z.number().nullable();
const textOrNull = z.string().nullable();
const Words = z.array(z.string()).meta({ description: 'Plain sentences for people.' });

export const REQUEST_STAGES = [
  ...(['authenticate', 'read', 'authorize', 'limit', 'route', 'reserve', 'queue'] as const),
  ...(['record', 'forward', 'meter', 'settle'] as const),
] as const;
export type RequestStage = (typeof REQUEST_STAGES)[number];

const StageView = z
  .object({
    stage: z.enum(REQUEST_STAGES),
    verdict: z
      .enum(['passed', 'ended', 'running', 'not_reached', 'unknown'])
      .meta({ description: '`ended`: the request ended here without a whole answer.' }),
    words: Words,
  })
  .meta({ id: 'ExplainedStage' });
export type StageView = z.infer<typeof StageView>;

const AttemptView = z
  .object({
    attempt: count.meta({ description: '1 for the first.' }),
    backend: z.string(),
    model: textOrNull.meta({ description: 'Its name there; null when it is not known any more.' }),
    reason: textOrNull.meta({ description: 'Why this backend, as one word.' }),
    why: textOrNull.meta({ description: 'The same in words.' }),
    start_ms: Ms.nullable(),
    first_token_ms: Ms.nullable(),
    end_ms: Ms.nullable(),
    duration_ms: countOrNull,
    status: countOrNull.meta({ description: 'HTTP status of the backend; null without one.' }),
    code: textOrNull.meta({ description: 'Why it did not serve; null when it did.' }),
    next: textOrNull.meta({ description: 'What followed, in words.' }),
  })
  .meta({ id: 'ExplainedAttempt' });
export type AttemptView = z.infer<typeof AttemptView>;

const CostLineView = z
  .object({
    what: z.string(),
    count: count.meta({ description: 'Tokens, or microseconds of GPU time.' }),
    rate_usd: Usd.meta({ description: 'For a million tokens, or for an hour.' }),
    usd: Usd.meta({ description: 'Exact to a trillionth of a dollar.' }),
  })
  .meta({ id: 'CostLine' });

const CostView = z
  .object({
    cost_usd: Usd.nullable().meta({ description: 'As booked; null when there is no price.' }),
    above_input_tokens: countOrNull.meta({ description: 'The tier of the price.' }),
    lines: z.array(CostLineView),
    exact_usd: Usd.nullable().meta({ description: 'The sum, before it was rounded up once.' }),
    agrees: z.boolean().nullable().meta({
      description: 'The booked cost is what this arithmetic gives; null without a price.',
    }),
  })
  .meta({ id: 'ExplainedCost' });
export type CostView = z.infer<typeof CostView>;

const UsageView = z
  .object({
    source: z.string().meta({
      description: 'reported (by the backend), counted (by llmgate), clamped or none.',
    }),
    estimated: z.boolean(),
    input_tokens: count,
    cached_input_tokens: count,
    cache_write_tokens: count,
    audio_input_tokens: count,
    image_input_tokens: count,
    output_tokens: count,
    reasoning_tokens: count,
    audio_output_tokens: count,
    image_output_tokens: count,
  })
  .meta({ id: 'ExplainedUsage' });
export type UsageView = z.infer<typeof UsageView>;

export const ExplainView = z
  .object({
    id: z.string(),
    state: z.enum(['finished', 'in_flight']),
    known_from: z.array(z.enum(['books', 'memory', 'flight'])).meta({
      description:
        'The books have every finished request; memory the story of the last unusual ones, until ' +
        'the gateway ends; flight what is going on.',
    }),
    who: z.object({
      key_id: z.string(),
      key_name: textOrNull,
      user: textOrNull,
      team: textOrNull,
      tenant: textOrNull,
      tags: z.record(z.string(), z.string()),
    }),
    what: z.object({
      endpoint: z.string(),
      model: z.string().meta({ description: 'Empty when there is no such model.' }),
      backend: textOrNull.meta({ description: 'That served, or was asked last.' }),
      answered_by: textOrNull.meta({ description: 'Name of the model there.' }),
      streamed: z.boolean(),
      body_bytes: countOrNull,
      outcome: textOrNull,
      code: textOrNull,
      status: countOrNull,
    }),
    stages: z.array(StageView),
    attempts: z.array(AttemptView),
    attempt_count: count,
    notes: z.array(z.object({ at_ms: Ms, text: z.string() })),
    usage: UsageView.nullable(),
    cost: CostView.nullable(),
    counted_to: z
      .array(BudgetView)
      .meta({ description: 'Budgets that count it, as they are now.' }),
    timing: z.object({
      started_at: Time,
      finished_at: Time.nullable(),
      duration_ms: count,
      queue_ms: countOrNull,
      first_token_ms: countOrNull,
      backend_ms: countOrNull.meta({ description: 'All attempts summed.' }),
      gateway_ms: countOrNull.meta({ description: 'What neither backends nor waiting took.' }),
    }),
    audit: z
      .object({ chain: z.literal('requests'), seq: count, hash: z.string() })
      .nullable()
      .meta({ description: 'Its row in the audit trail; null while it is in flight.' }),
    content_kept: z.boolean(),
    unknown: Words.meta({ description: 'What cannot be told, and why.' }),
  })
  .meta({ id: 'Explanation' });
export type ExplainView = z.infer<typeof ExplainView>;
