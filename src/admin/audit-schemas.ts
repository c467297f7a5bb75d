import { z } from 'zod';
import { FAULT_KINDS, FAULT_PLACES } from '../audit/audit-fault.ts';
import { CHAINS } from '../store/audit-trail.ts';

export const ChainParameter = z.enum(CHAINS);

/** A row of a chain as it is exported; `docs/export.md` names its fields. */
export const AuditRow = z
  .record(z.string(), z.unknown())
  .and(z.object({ chain: ChainParameter, seq: z.number(), hash: z.string(), time: z.string() }))
  .meta({ id: 'AuditRow' });
export type AuditRow = z.infer<typeof AuditRow>;

export const AuditPageView = z
  .object({
    rows: z.array(AuditRow),
    next: z.number().nullable().meta({
      description: '`after` of the next page, which may be empty too; null when this is the last.',
    }),
    recorded: z.boolean().meta({
      description: 'False on the first page of an export that could not be put on record.',
    }),
  })
  .meta({ id: 'AuditPage' });
export type AuditPageView = z.infer<typeof AuditPageView>;

export const AuditEntryView = z
  .object({
    row: AuditRow,
    previous_hash: z.string().nullable().meta({ description: 'null when that row is gone.' }),
    intact: z.boolean().nullable().meta({
      description: 'Whether `hash` is that of the row and `previous_hash`; null when unknown.',
    }),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntryView = z.infer<typeof AuditEntryView>;

/** In the 256 KB that a request may have. */
export const VERIFY_NOTES_MAX = 400;

export const VerifyAuditInput = z.strictObject({
  checkpoints: z.array(z.string().max(4_096)).max(VERIFY_NOTES_MAX).default([]).meta({
    description: 'Whole signed notes that were kept elsewhere.',
  }),
  public_key: z.string().max(4_096).nullable().default(null).meta({
    description:
      'What the signatures are held against: `llmgate/<install id>+<id>+<base64>`, several with blanks between.',
  }),
  since_checkpoint: z.boolean().default(false).meta({
    description: 'Reads only what came after the newest checkpoint that agrees.',
  }),
});
export type VerifyAuditInput = z.infer<typeof VerifyAuditInput>;

const VerifiedChainView = z.object({
  rows: z.number(),
  purged_rows: z.number(),
  after_seq: z.number(),
  last_seq: z.number(),
  last_hash: z.string(),
});

export const AuditVerificationView = z
  .object({
    ok: z.boolean(),
    requests: VerifiedChainView,
    admin_events: VerifiedChainView,
    checkpoints: z.object({ given: z.number(), stored: z.number() }),
    faults: z.array(
      z.object({
        place: z.enum(FAULT_PLACES),
        kind: z.enum(FAULT_KINDS),
        seq: z.number().nullable(),
        to_seq: z.number().nullable(),
        message: z.string(),
      }),
    ),
    unknowns: z.array(z.string()),
    duration_ms: z.number(),
  })
  .meta({ id: 'AuditVerification' });
export type AuditVerificationView = z.infer<typeof AuditVerificationView>;

export const CheckpointView = z
  .object({
    time: z.string(),
    requests_seq: z.number(),
    admin_events_seq: z.number(),
    note: z.string().meta({ description: 'The signed note, as it is kept elsewhere.' }),
    public_key: z.string(),
  })
  .meta({ id: 'Checkpoint' });
export type CheckpointView = z.infer<typeof CheckpointView>;

export const PublicKeyView = z.object({ public_key: z.string() }).meta({ id: 'PublicKey' });
