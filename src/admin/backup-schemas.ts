import { z } from 'zod';

export const BackupInput = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .max(4_096)
      .startsWith('/', 'must be an absolute path')
      .meta({ description: 'Where the gateway writes it, with its own permissions.' }),
    overwrite: z
      .boolean()
      .default(false)
      .meta({ description: 'An older backup of that name may be replaced.' }),
  })
  .meta({ id: 'BackupOrder' });
export type BackupInput = z.input<typeof BackupInput>;

export const BackupView = z
  .object({
    file: z.string(),
    size_bytes: z.number(),
    content_file: z.string().nullable().meta({
      description: 'Captured prompts and answers; null when nothing was ever captured.',
    }),
    content_size_bytes: z.number(),
    time: z.string(),
    duration_ms: z.number(),
    schema: z.number(),
    requests_seq: z.number().meta({ description: 'The last finished request in it.' }),
    admin_events_seq: z.number(),
    recorded: z.boolean().meta({ description: 'Whether the audit trail tells of it.' }),
  })
  .meta({ id: 'Backup' });
export type BackupView = z.infer<typeof BackupView>;
