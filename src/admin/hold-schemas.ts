import { z } from 'zod';
import { HOLD_SCOPES } from '../store/legal-holds.ts';

export const HoldView = z
  .object({
    id: z.number(),
    scope: z.enum(HOLD_SCOPES),
    subject: z.string().meta({ description: 'The id of a key, or a name; empty for all.' }),
    reason: z.string(),
    placed_at: z.string(),
    released_at: z.string().nullable().meta({ description: 'null while it holds.' }),
  })
  .meta({ id: 'LegalHold' });
export type HoldView = z.infer<typeof HoldView>;

export const HoldListView = z.object({ holds: z.array(HoldView) }).meta({ id: 'LegalHolds' });

const Reason = z.string().trim().min(1).max(1_000).meta({
  description: 'Why, for whoever reads the trail: a case, an order, who asked for it.',
});

export const HoldOrder = z
  .strictObject({
    scope: z.enum(HOLD_SCOPES),
    subject: z.string().max(256).default('').meta({
      description: 'Of a key its id, or its name; nothing for all.',
    }),
    reason: Reason,
  })
  .meta({ id: 'HoldOrder' });
export type HoldOrder = z.input<typeof HoldOrder>;

export const HoldRelease = z.strictObject({ reason: Reason }).meta({ id: 'HoldRelease' });
export type HoldRelease = z.infer<typeof HoldRelease>;
