import { FIRST_PREVIOUS_HASH } from '../audit/chain.ts';
import type { ChainHead } from './audit-trail.ts';
import type { Database } from './sqlite.ts';

/** The last finished request of the chain, which retention may have deleted. */
export function readRequestsHead(db: Database): ChainHead {
  const head = db
    .prepare<[], ChainHead>(
      `SELECT seq, lower(hex(hash)) AS hash FROM (
         SELECT * FROM (SELECT seq, hash FROM requests ORDER BY seq DESC LIMIT 1)
         UNION ALL
         SELECT * FROM (SELECT to_seq, last_hash FROM purged_ranges WHERE chain = 'requests'
           ORDER BY to_seq DESC LIMIT 1)
       ) ORDER BY seq DESC LIMIT 1`,
    )
    .get();
  return head ?? { seq: 0, hash: FIRST_PREVIOUS_HASH };
}
