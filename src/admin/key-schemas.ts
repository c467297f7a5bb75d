import { z } from 'zod';
import { ENDPOINTS } from '../core/call.ts';
import { CONTENT_MODES, WINDOWS } from '../core/key.ts';

/**
 * The JSON of keys: bodies that come in, documents that go out. The same schemas check input on
 * both ways to the operations, type the code and make the OpenAPI document.
 */

// Names reach terminals, logs and spreadsheets: what cannot be seen cannot be told apart. They also
// stand in paths, where dots alone would mean another path.
const Label = z
  .string()
  .max(128)
  .regex(
    /^(?!\.+$)[^\p{C}\p{Z}](?:(?:[^\p{C}\p{Z}]| )*[^\p{C}\p{Z}])?$/u,
    'use 1 to 128 visible characters, no space at either end, not dots alone',
  );

const Count = z.int().min(1).max(1_000_000_000);
const Time = z.iso.datetime({ offset: true, error: 'write an RFC 3339 time' });
const UsdText = z
  .string()
  .regex(/^\d{1,7}(\.\d{1,9})?$/, 'write dollars as a decimal string, such as "25" or "0.50"');
const TagName = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'use letters, digits, `_`, `.` and `-`, a letter or digit first',
  );

const LimitChanges = z.strictObject({
  requests_per_minute: Count.nullish(),
  tokens_per_minute: Count.nullish(),
  concurrency: Count.nullish(),
  max_output_tokens: Count.nullish().meta({ description: 'The longest answer; null: no bound' }),
});

const BudgetBody = z.strictObject({
  limit_usd: UsdText.refine((text) => Number(text) > 0, 'a budget is more than 0'),
  window: z.enum(WINDOWS),
});

const TokenBudgetBody = z.strictObject({
  limit_tokens: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  window: z.enum(WINDOWS),
});

/** A JSON merge patch (RFC 7396): absent keeps, null clears, `limits` and `tags` merge by name. */
export const KeyChanges = z
  .strictObject({
    name: Label.optional(),
    user: Label.nullish(),
    team: Label.nullish(),
    tenant: Label.nullish(),
    expires_at: Time.nullish(),
    models: z.array(Label).min(1).max(256).nullish().meta({ description: 'null: every model' }),
    endpoints: z.array(z.enum(ENDPOINTS)).min(1).max(ENDPOINTS.length).nullish(),
    limits: LimitChanges.nullish(),
    budget: BudgetBody.nullish(),
    token_budget: TokenBudgetBody.nullish().meta({ description: 'Input and output together' }),
    tags: z.record(TagName, Label.nullable()).nullish(),
    content: z.enum(CONTENT_MODES).nullish().meta({
      description: 'What is kept of prompts and answers; null: as the configuration says',
    }),
  })
  .meta({ id: 'KeyChanges' });
export type KeyChanges = z.infer<typeof KeyChanges>;

export const NewKey = KeyChanges.extend({ name: Label }).meta({ id: 'NewKey' });
export type NewKey = z.infer<typeof NewKey>;

export const Rotation = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(30 * 86_400)
      .meta({ description: 'How long the old secrets stay valid. 0 ends them at once.' }),
  })
  .meta({ id: 'Rotation' });
export type Rotation = z.infer<typeof Rotation>;

export const KEY_STATES = ['active', 'suspended', 'expired', 'revoked'] as const;

/** A key as it is shown: never a secret, never a digest. */
export const KeyView = z
  .object({
    id: z.string(),
    name: z.string(),
    prefix: z.string().meta({ description: 'How the key text starts; for recognising it.' }),
    status: z.enum(KEY_STATES),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    user: z.string().nullable(),
    team: z.string().nullable(),
    tenant: z.string().nullable(),
    models: z.array(z.string()).nullable(),
    endpoints: z.array(z.string()).nullable(),
    limits: z.object({
      requests_per_minute: z.number().nullable(),
      tokens_per_minute: z.number().nullable(),
      concurrency: z.number().nullable(),
      max_output_tokens: z.number().nullable(),
    }),
    budget: z.object({ limit_usd: z.string(), window: z.string() }).nullable(),
    token_budget: z.object({ limit_tokens: z.number(), window: z.string() }).nullable(),
    tags: z.record(z.string(), z.string()),
    content: z.enum(CONTENT_MODES).nullable(),
    secrets: z.array(z.object({ created_at: z.string(), expires_at: z.string().nullable() })),
  })
  .meta({ id: 'Key' });
export type KeyView = z.infer<typeof KeyView>;

/** The one time that the text of a key is shown. `key` comes second, where people look. */
export const IssuedKey = z
  .object({ id: z.string(), key: z.string(), ...KeyView.omit({ id: true }).shape })
  .meta({ id: 'IssuedKey' });
export type IssuedKey = z.infer<typeof IssuedKey>;

export const PAGE_SIZE_MAX = 1000;

export const KeyPage = z
  .object({
    keys: z.array(KeyView),
    next: z.string().nullable().meta({ description: 'Pass as `after` for the next page.' }),
  })
  .meta({ id: 'KeyPage' });
export type KeyPage = z.infer<typeof KeyPage>;
