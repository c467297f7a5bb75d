import type { AuditVerification, VerifiedChain } from '../store/verify-audit.ts';
import type { AuditVerificationView } from './audit-schemas.ts';

export function toVerificationView(
  found: AuditVerification,
  durationMs: number,
): AuditVerificationView {
  return {
    ok: found.ok,
    requests: toChainView(found.chains.requests),
    admin_events: toChainView(found.chains.admin_events),
    checkpoints: { given: found.givenCheckpoints, stored: found.storedCheckpoints },
    faults: found.faults.map(({ toSeq, ...fault }) => ({ ...fault, to_seq: toSeq })),
    unknowns: [...found.unknowns],
    duration_ms: Math.round(durationMs),
  };
}

function toChainView({ rows, purgedRows, afterSeq, head }: VerifiedChain) {
  return {
    rows,
    purged_rows: purgedRows,
    after_seq: afterSeq,
    last_seq: head.seq,
    last_hash: head.hash,
  };
}
