import { createHash } from 'node:crypto';

/** What a running gateway can find wrong with itself or around it. */
export const TROUBLE_KINDS = [
  'backend_down',
  'error_rate',
  'queue_wait',
  'disk_low',
  'audit_failure',
] as const;
export type TroubleKind = (typeof TROUBLE_KINDS)[number];

/** A trouble has begun, or has ended. */
export interface TroubleNote {
  readonly kind: TroubleKind;
  /** The backend or model; empty for the gateway as a whole. */
  readonly subject: string;
  readonly phase: 'started' | 'resolved';
  /** In words for operators. */
  readonly problem: string;
  /** When the trouble was first seen, and when this note was made. */
  readonly sinceMs: number;
  readonly atMs: number;
}

/** The webhook of one note. `trouble` names the pair of messages: its start and its end. */
export function toTroubleMessage(
  note: TroubleNote,
  installId: string,
): { id: string; body: string } {
  const { kind, subject, phase, problem, sinceMs, atMs } = note;
  const identity = JSON.stringify([installId, kind, subject, sinceMs]);
  const trouble = createHash('sha256').update(identity).digest('hex').slice(0, 24);
  const body = JSON.stringify({
    type: `trouble.${phase}`,
    timestamp: new Date(atMs).toISOString(),
    data: {
      install: installId,
      trouble,
      kind,
      subject,
      problem,
      since: new Date(sinceMs).toISOString(),
    },
  });
  return { id: `trouble_${trouble}_${phase}`, body };
}
