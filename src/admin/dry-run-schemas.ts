import { z } from 'zod';
import { BudgetView } from './budget-schemas.ts';

/** What would become of a request: the JSON of `llmgate explain --key K --model M`. */

const Usd = z.string().meta({ description: 'Exact decimal.' });
const count = z.number();
const countOrNull = z.number().nullable();
const textOrNull = z.string().nullable();

export const DryRunInput = z
  .strictObject({
    key: z.string().min(1).max(256).meta({ description: 'Id or name of a key.' }),
    model: z.string().min(1).max(512).optional().meta({
      description: 'Left out, it is the one that the body names.',
    }),
    endpoint: z.string().min(1).max(256).default('chat').meta({
      description: '`chat`, or a path such as `/v1/chat/completions`.',
    }),
    headers: z.record(z.string().min(1).max(256), z.string().max(16_384)).default({}),
    body: z.string().optional().meta({ description: 'Left out, it is the least there can be.' }),
    body_base64: z.base64().optional().meta({ description: 'In place of `body`, for forms.' }),
  })
  .meta({ id: 'DryRunOrder' });
export type DryRunInput = z.input<typeof DryRunInput>;

const DryStageView = z
  .object({
    stage: z.string(),
    verdict: z.enum(['passes', 'refuses', 'not_reached']),
    words: z.array(z.string()),
  })
  .meta({ id: 'DryRunStage' });

const DryTargetView = z
  .object({
    model: z.string(),
    backend: z.string(),
    backend_model: z.string(),
    part: z.enum(['first', 'fallback', 'left_out']),
    input_per_million_usd: Usd.nullable(),
    output_per_million_usd: Usd.nullable(),
    state: textOrNull,
    breaker: textOrNull,
    drained: z.boolean(),
    in_flight: count,
    places: countOrNull.meta({ description: 'null: no bound.' }),
    first_token_ms: countOrNull.meta({ description: 'Moving average.' }),
    usable: z.boolean(),
    why_not: textOrNull,
    problem: textOrNull,
  })
  .meta({ id: 'DryRunTarget' });

const DryAnswerView = z.object({ output_tokens: count, cost_usd: Usd.nullable() });

export const DryRunView = z
  .object({
    key_id: z.string(),
    key_name: z.string(),
    endpoint: z.string(),
    path: z.string(),
    asked_model: textOrNull,
    model: textOrNull.meta({ description: 'As the configuration names it.' }),
    would: z.enum(['be_sent', 'wait', 'be_refused']),
    refusal: z
      .object({
        stage: z.string(),
        status: count,
        code: z.string(),
        message: z.string().meta({ description: 'What the caller would read.' }),
        retry_after_ms: countOrNull,
      })
      .nullable(),
    stages: z.array(DryStageView),
    call: z
      .object({
        streamed: z.boolean(),
        body_bytes: count,
        input_tokens: count.meta({ description: 'Estimated.' }),
        max_output_tokens: countOrNull,
        answers: count,
      })
      .nullable(),
    limits: z.array(
      z.object({
        name: z.string(),
        measure: z.enum(['requests', 'tokens', 'concurrent']),
        limit: count,
        remaining: count,
        admits: z.boolean(),
        wait_ms: countOrNull.meta({ description: 'null: nobody knows.' }),
      }),
    ),
    plan: z
      .object({
        rule: countOrNull,
        variant: textOrNull,
        session: textOrNull,
        fallbacks: z.array(z.object({ cause: z.string(), models: z.array(z.string()) })),
      })
      .nullable(),
    targets: z.array(DryTargetView),
    hold: z
      .object({
        usd: Usd,
        tokens: count,
        output_tokens: count,
        output_limit: countOrNull.meta({ description: 'What backends are told to stop at.' }),
        shrunk: z.boolean(),
      })
      .nullable(),
    budgets: z.array(BudgetView.extend({ fits: z.boolean() })),
    place: z
      .object({
        backend: z.string(),
        backend_model: z.string(),
        reason: z.string(),
        why: z.string(),
      })
      .nullable(),
    waits_behind: countOrNull,
    cost: z
      .object({
        backend: z.string(),
        input_tokens: count,
        input_usd: Usd.nullable(),
        usual: DryAnswerView.nullable().meta({ description: 'With an answer of usual length.' }),
        longest: DryAnswerView,
        gpu_hour_usd: Usd.meta({ description: 'GPU time comes on top.' }),
      })
      .nullable(),
    sending: z
      .object({
        body_bytes: count,
        edits: z.array(z.object({ member: z.string(), before: textOrNull, after: z.string() })),
        headers_removed: z.array(z.string()),
        headers_added: z.array(z.string()),
      })
      .nullable(),
  })
  .meta({ id: 'DryRun' });
export type DryRunView = z.infer<typeof DryRunView>;
