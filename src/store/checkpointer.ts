import { originOf, toCheckpointText } from '../audit/checkpoint-text.ts';
import { type SigningKey, signNote } from '../audit/signed-note.ts';
import type { Clock } from '../core/clock.ts';
import type { AuditTrail, ChainHeads, Checkpoint } from './audit-trail.ts';

/** Signs where the chains end. */
export interface Checkpointer {
  /** What verifies the notes: `name+id+base64`. */
  readonly publicKey: string;
  /** Throws `store_unavailable` when it cannot be kept. */
  take(): Checkpoint;
  /** Null when neither chain has grown since the last one. */
  takeIfChanged(): Checkpoint | null;
}

interface CheckpointerParts {
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly key: SigningKey;
}

export function createCheckpointer({ audit, clock, key }: CheckpointerParts): Checkpointer {
  const publicKey = key.verifier.text;
  const sign = (heads: ChainHeads, last: Checkpoint | null): Checkpoint => {
    // One for each millisecond, and in the order of the chains when the wall clock is set back.
    const atMs = Math.max(clock.nowMs(), (last?.atMs ?? 0) + 1);
    const text = toCheckpointText({
      origin: originOf(audit.installId),
      atMs,
      requests: heads.requests,
      adminEvents: heads.admin_events,
      key: publicKey,
    });
    const checkpoint = { atMs, heads, note: signNote(text, key) };
    audit.addCheckpoint(checkpoint);
    return checkpoint;
  };
  return {
    publicKey,
    take: () => sign(audit.heads(), audit.lastCheckpoint()),
    takeIfChanged() {
      const heads = audit.heads();
      const last = audit.lastCheckpoint();
      return last !== null && isSame(last.heads, heads) ? null : sign(heads, last);
    },
  };
}

function isSame(a: ChainHeads, b: ChainHeads): boolean {
  return a.requests.hash === b.requests.hash && a.admin_events.hash === b.admin_events.hash;
}
