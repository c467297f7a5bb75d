import { z } from 'zod';

/** What `audit erase` can name. */
export const ERASE_SCOPES = ['key', 'user', 'team', 'tenant'] as const;

const ContentPartView = z.object({
  bytes: z.number().meta({ description: 'Size of the body as it was sent.' }),
  truncated: z.boolean().meta({ description: 'Longer than `audit.content_cap`.' }),
  encoding: z.enum(['utf8', 'base64']).meta({ description: 'base64 when it is no text.' }),
  content: z.string(),
});
export type ContentPartView = z.infer<typeof ContentPartView>;

/** Captured content of one request. */
export const ContentView = z
  .object({
    request_id: z.string(),
    captured_at: z.string(),
    mode: z.enum(['redacted', 'full']),
    key: z.string(),
    user: z.string().nullable(),
    team: z.string().nullable(),
    tenant: z.string().nullable(),
    content_ref: z.string().meta({ description: 'Computed from the content and its salt.' }),
    content_ref_matches: z.boolean().nullable().meta({
      description: 'Whether the row of the request says the same; null when there is no such row.',
    }),
    request: ContentPartView,
    answer: ContentPartView,
  })
  .meta({ id: 'Content' });
export type ContentView = z.infer<typeof ContentView>;

export const EraseOrder = z
  .strictObject({
    scope: z.enum(ERASE_SCOPES),
    subject: z.string().min(1).max(256).meta({ description: 'Of a key its id, or its name.' }),
    dry_run: z.boolean().default(false).meta({ description: 'Only say what would be destroyed.' }),
  })
  .meta({ id: 'EraseOrder' });
export type EraseOrder = z.input<typeof EraseOrder>;

export const EraseResult = z
  .object({
    scope: z.enum(ERASE_SCOPES),
    subject: z.string(),
    dry_run: z.boolean(),
    data_keys: z.number().meta({ description: 'Keys that were destroyed.' }),
    requests: z.number().meta({ description: 'Requests whose content nobody can read any more.' }),
  })
  .meta({ id: 'EraseResult' });
export type EraseResult = z.infer<typeof EraseResult>;
