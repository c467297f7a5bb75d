import { z } from 'zod';
import { WINDOWS } from '../core/key.ts';
import { BUDGET_SCOPES } from '../pricing/budget-rule.ts';

/** The JSON of budgets: bodies that come in, documents that go out. */

/** The most whole dollars that nano-dollars can count exactly. */
const USD_MAX = 9_007_199;

const Measure = z.enum(['usd', 'tokens']);
const Window = z.enum(WINDOWS);
const Usd = z
  .string()
  .regex(/^\d{1,7}(\.\d{1,9})?$/, 'write dollars as a decimal string, such as "25" or "0.50"')
  .refine((text) => Number(text) > 0, 'a budget is more than 0')
  .refine((text) => Number(text) < USD_MAX, `a budget is less than ${USD_MAX} dollars`);
const Tokens = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

/** Budgets of one target, each in the place of what was said for its measure and window. */
export const BudgetSetting = z
  .strictObject({
    usd: z.strictObject({ limit_usd: Usd, window: Window }).optional(),
    tokens: z.strictObject({ limit_tokens: Tokens, window: Window }).optional(),
  })
  .refine(({ usd, tokens }) => usd !== undefined || tokens !== undefined, 'write usd or tokens')
  .meta({ id: 'BudgetSetting' });
export type BudgetSetting = z.infer<typeof BudgetSetting>;

/** Which budgets of a target are meant; what is left out means all of them. */
export const BudgetChoice = z
  .strictObject({ measure: Measure.optional(), window: Window.optional() })
  .meta({ id: 'BudgetChoice' });
export type BudgetChoice = z.infer<typeof BudgetChoice>;

export const NewGrant = z
  .strictObject({
    kind: z.enum(['top_up', 'raise']).meta({
      description: 'top_up adds to the window that runs, raise to every window until a time.',
    }),
    amount: z
      .string()
      .max(32)
      .meta({ description: 'Dollars or tokens, by what the budget counts; added to its limit.' }),
    until: z.iso
      .datetime({ offset: true, error: 'write an RFC 3339 time' })
      .optional()
      .meta({ description: 'When a raise ends.' }),
    measure: Measure.optional(),
    window: Window.optional(),
  })
  .meta({ id: 'NewBudgetGrant' });
export type NewGrant = z.infer<typeof NewGrant>;

export const GrantView = z
  .object({
    kind: z.enum(['top_up', 'raise', 'reset']),
    amount_usd: z.string().nullable(),
    amount_tokens: z.number().nullable(),
    created_at: z.string(),
    until: z.string().nullable().meta({ description: 'null: to the end of the window' }),
  })
  .meta({ id: 'BudgetGrant' });
export type GrantView = z.infer<typeof GrantView>;

const money = z.string().nullable();
const count = z.number().nullable();

/** One budget of one purse, or of every purse of a pattern, which then has no figures. */
export const BudgetView = z
  .object({
    target: z.string().meta({ description: '`all`, `team/NAME`, `key/ID`; a pattern has a `*`' }),
    per: z.enum(BUDGET_SCOPES),
    subject: z.string().nullable(),
    name: z.string().nullable().meta({ description: 'Of a key its name, else the subject.' }),
    measure: Measure,
    window: Window,
    source: z.enum(['file', 'command', 'key']).meta({
      description: 'Those of the file and of keys are changed where they are written.',
    }),
    on_exceed: z.enum(['refuse', 'shrink']),
    alert_at_percent: z.array(z.number()),
    base_limit_usd: money.meta({ description: 'Before grants. `*_usd` are null for tokens.' }),
    limit_usd: money,
    spent_usd: money,
    held_usd: money.meta({ description: 'Set aside for requests in flight.' }),
    remaining_usd: money,
    base_limit_tokens: count.meta({ description: '`*_tokens` are null for money.' }),
    limit_tokens: count,
    spent_tokens: count,
    held_tokens: count,
    remaining_tokens: count,
    window_started_at: z.string().nullable(),
    resets_at: z.string().nullable(),
    grants: z.array(GrantView),
  })
  .meta({ id: 'Budget' });
export type BudgetView = z.infer<typeof BudgetView>;

const file_known = z.boolean().meta({
  description: 'False without a gateway where its configuration cannot be read.',
});

export const BudgetList = z
  .object({ budgets: z.array(BudgetView), file_known })
  .meta({ id: 'BudgetList' });
export type BudgetList = z.infer<typeof BudgetList>;

export const BudgetPage = BudgetList.extend({
  next: z.string().nullable().meta({ description: 'Pass as `after` for the next page.' }),
}).meta({ id: 'BudgetPage' });
export type BudgetPage = z.infer<typeof BudgetPage>;
