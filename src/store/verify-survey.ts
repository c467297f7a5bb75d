import { type AuditFault, createFault } from '../audit/audit-fault.ts';
import { checkPurges, type PurgeReceipt, parsePurgeReceipt } from '../audit/check-purges.ts';
import { originOf } from '../audit/checkpoint-text.ts';
import { parseVerifierKeys } from '../audit/signed-note.ts';
import { readAdminHead, readPurgedRanges } from './audit-events.ts';
import { CHAINS, type ChainName } from './audit-trail.ts';
import { getMeta } from './meta.ts';
import { readRequestsHead } from './requests-head.ts';
import type { Database } from './sqlite.ts';
import { checkCheckpoints } from './verify-checkpoints.ts';
import { checkDictionaries } from './verify-dictionaries.ts';
import type { Survey, SurveyOrder } from './verify-message.ts';

/** Everything that a verification looks at besides the rows themselves. */
export function survey(db: Database, order: SurveyOrder): Survey {
  return db.transaction(() => surveyNow(db, order))();
}

function surveyNow(db: Database, { notes, pinnedKey, ownKey }: SurveyOrder): Survey {
  const heads = { requests: readRequestsHead(db), admin_events: readAdminHead(db) };
  const keys = {
    pinned: pinnedKey === null ? [] : parseVerifierKeys(pinnedKey),
    own: ownKey === null ? [] : parseVerifierKeys(ownKey),
  };
  const origin = originOf(String(getMeta(db, 'install_id') ?? ''));
  const checkpoints = checkCheckpoints(db, { notes, keys, origin, heads });
  const purges = checkPurges(readPurgedRanges(db), readLastReceipt(db));
  return {
    ...checkpoints,
    heads,
    faults: [
      ...checkpoints.faults,
      ...CHAINS.flatMap((chain) => findRowsBelow(db, chain)),
      ...(purges === null ? [] : [purges]),
      ...checkDictionaries(db),
    ],
  };
}

/** Chains count from 1. */
function findRowsBelow(db: Database, chain: ChainName): AuditFault[] {
  const seq = db.prepare<[], number | null>(`SELECT min(seq) FROM ${chain}`).pluck().get();
  if (typeof seq !== 'number' || seq > 0) return [];
  return [createFault(chain, 'extra', { seq }, `row ${seq} is there, but chains count from 1`)];
}

/** What the newest event that tells of a purge says. */
export function readLastReceipt(db: Database): PurgeReceipt | null {
  const row = db
    .prepare<[], { seq: number; action: string; after: string }>(
      `SELECT seq, action, coalesce("after", 'null') AS after FROM admin_events
       WHERE action IN ('purge.start', 'purge.done') ORDER BY seq DESC LIMIT 1`,
    )
    .get();
  return row === undefined ? null : (parsePurgeReceipt(row.seq, row.action, row.after) ?? null);
}
