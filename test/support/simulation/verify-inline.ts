import { type AuditVerification, verifyAudit } from '../../../src/store/verify-audit.ts';
import { openForVerification } from '../../../src/store/verify-open.ts';
import { survey } from '../../../src/store/verify-survey.ts';
import { openChainWalker } from '../../../src/store/verify-walk.ts';

/** `audit verify` without its threads, which a simulation could not repeat. */
export function verifyInline(databasePath: string): Promise<AuditVerification> {
  return verifyAudit(
    { databasePath, notes: [], pinnedKey: null, ownKey: null, sinceCheckpoint: false, threads: 1 },
    async (path) => {
      const db = openForVerification(path);
      const walker = openChainWalker(db);
      return {
        survey: async (order) => survey(db, order),
        walk: async (order) => walker.walk(order),
        close: () => db.close(),
      };
    },
  );
}
