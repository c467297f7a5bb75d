import { z } from 'zod';

/** What came of an action on something that lives. */

export const DrainResult = z
  .object({
    id: z.string(),
    drained: z.boolean(),
    in_flight: z.number().meta({ description: 'Requests that it still answers.' }),
  })
  .meta({ id: 'DrainResult' });
export type DrainResult = z.infer<typeof DrainResult>;

export const CancelResult = z
  .object({ id: z.string(), cancelled: z.literal(true) })
  .meta({ id: 'CancelResult' });
export type CancelResult = z.infer<typeof CancelResult>;
