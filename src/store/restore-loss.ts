import { existsSync } from 'node:fs';
import { CHAINS, type ChainHeads, type ChainName } from './audit-trail.ts';
import { APPLICATION_ID, SCHEMA_VERSION, schemaVersionOf } from './migrations.ts';
import { type Database, openSqlite, sqliteCode } from './sqlite.ts';

/** Names that are listed; the rest can be seen in the books that were put aside. */
const LISTED_MAX = 1_000;

/** What the present books hold that a backup does not. */
export type Loss =
  /** There are none. */
  | { readonly kind: 'none' }
  /** They cannot be read, so nobody knows. */
  | { readonly kind: 'unknown'; readonly reason: string }
  | ({ readonly kind: 'known' } & KnownLoss);

export interface KnownLoss {
  /** Finished requests after the last one of the backup, and when the first and last began. */
  readonly requests: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly adminEvents: number;
  /** Keys that the backup does not know. */
  readonly keys: number;
  /** False when the backup is not an earlier state of these books. */
  readonly isSameHistory: boolean;
  /** Names of keys that were suspended, revoked or rotated since, and would work again. */
  readonly keysThatWorkAgain: readonly string[];
  /** Whose content was erased since and would be there again, as `user:ada`. */
  readonly erasures: readonly string[];
  /** Legal holds that were placed since, as `user:ada` or `all`. */
  readonly holds: readonly string[];
}

const WORKING_AGAIN = `SELECT DISTINCT c.name FROM copy.keys c
  JOIN copy.key_secrets s ON s.key_id = c.id
  LEFT JOIN main.keys k ON k.id = c.id
  LEFT JOIN main.key_secrets m ON m.digest = s.digest
  WHERE c.status = 'active' AND (s.expires_at_ms IS NULL OR s.expires_at_ms > :now)
    AND (k.status IS NOT 'active' OR m.digest IS NULL OR m.expires_at_ms <= :now)
  ORDER BY 1 LIMIT ${LISTED_MAX}`;

const ERASED = `SELECT DISTINCT target FROM main.admin_events
  WHERE seq > ? AND action = 'content.erase' ORDER BY 1 LIMIT ${LISTED_MAX}`;

const HELD = `SELECT DISTINCT iif(scope = 'all', scope, scope || ':' || subject)
  FROM main.legal_holds h
  WHERE released_at_ms IS NULL AND NOT EXISTS (
    SELECT 1 FROM copy.legal_holds c WHERE c.id = h.id AND c.released_at_ms IS NULL)
  ORDER BY 1 LIMIT ${LISTED_MAX}`;

/** Compares the books of a directory with a verified copy in it. Only reads. */
export function findLoss(path: string, staged: string, heads: ChainHeads, nowMs: number): Loss {
  if (!existsSync(path)) return { kind: 'none' };
  let db: Database | undefined;
  try {
    db = openSqlite(path, { busyTimeoutMs: 1_000, mustExist: true });
    const reason = whyUnknown(db);
    if (reason !== null) return { kind: 'unknown', reason };
    db.prepare('ATTACH ? AS copy').run(staged);
    return { kind: 'known', ...compare(db, heads, nowMs) };
  } catch (cause) {
    const reason = sqliteCode(cause);
    if (reason === undefined) throw cause;
    return { kind: 'unknown', reason };
  } finally {
    db?.close();
  }
}

function whyUnknown(db: Database): string | null {
  if (Number(db.pragma('application_id', { simple: true })) !== APPLICATION_ID) {
    return 'they are no books of llmgate';
  }
  const version = schemaVersionOf(db);
  return version === SCHEMA_VERSION ? null : `they have schema ${version}`;
}

function compare(db: Database, heads: ChainHeads, nowMs: number): KnownLoss {
  const { requests, fromMs, toMs } = db
    .prepare<[number], Pick<KnownLoss, 'requests' | 'fromMs' | 'toMs'>>(
      `SELECT count(*) AS requests, min(started_at_ms) AS fromMs, max(started_at_ms) AS toMs
       FROM main.requests WHERE seq > ?`,
    )
    .get(heads.requests.seq) ?? { requests: 0, fromMs: null, toMs: null };
  const count = (sql: string, ...values: number[]) =>
    Number(
      db
        .prepare<number[]>(sql)
        .pluck()
        .get(...values),
    );
  return {
    ...{ requests, fromMs, toMs },
    adminEvents: count(
      'SELECT count(*) FROM main.admin_events WHERE seq > ?',
      heads.admin_events.seq,
    ),
    keys: count('SELECT count(*) FROM main.keys WHERE id NOT IN (SELECT id FROM copy.keys)'),
    isSameHistory: CHAINS.every((chain) => holds(db, chain, heads)),
    keysThatWorkAgain: db
      .prepare<{ now: number }, string>(WORKING_AGAIN)
      .pluck()
      .all({ now: nowMs }),
    holds: db.prepare<[], string>(HELD).pluck().all(),
    erasures: db.prepare<[number], string>(ERASED).pluck().all(heads.admin_events.seq),
  };
}

/** Whether the end of the copy's chain is a row of the present one, or may have been before a purge. */
function holds(db: Database, chain: ChainName, heads: ChainHeads): boolean {
  const { seq, hash } = heads[chain];
  if (seq === 0) return true;
  const found = db
    .prepare<[number], string>(`SELECT lower(hex(hash)) FROM main.${chain} WHERE seq = ?`)
    .pluck()
    .get(seq);
  if (found !== undefined) return found === hash;
  return (
    db
      .prepare('SELECT 1 FROM main.purged_ranges WHERE chain = ? AND from_seq <= ? AND to_seq >= ?')
      .get(chain, seq, seq) !== undefined
  );
}
