import { FIRST_PREVIOUS_HASH, nextHash } from '../audit/chain.ts';
import { maskSecrets, toAuditJson } from '../audit/event-json.ts';
import { toEventText } from '../audit/event-text.ts';
import type { PurgedRange } from '../audit/purged-range.ts';
import { GateError } from '../core/error.ts';
import type {
  AdminEvent,
  AuditTrail,
  ChainHead,
  Checkpoint,
  NewAdminEvent,
} from './audit-trail.ts';
import { getMeta } from './meta.ts';
import { readRequestsHead } from './requests-head.ts';
import type { Database, SqlValue } from './sqlite.ts';

const INSERT_EVENT = `INSERT INTO admin_events
  (seq, at_ms, actor, origin, action, target, "before", "after", hash)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, unhex(?))`;

const INSERT_CHECKPOINT = `INSERT INTO checkpoints
  (at_ms, requests_seq, requests_hash, admin_seq, admin_hash, note)
  VALUES (?, ?, unhex(?), ?, unhex(?), ?)`;

const SELECT_LAST_CHECKPOINT = `SELECT at_ms AS atMs, note, requests_seq AS requestsSeq,
    lower(hex(requests_hash)) AS requestsHash, admin_seq AS adminSeq,
    lower(hex(admin_hash)) AS adminHash
  FROM checkpoints ORDER BY at_ms DESC LIMIT 1`;

const SELECT_RANGES = `SELECT chain, from_seq AS fromSeq, to_seq AS toSeq,
    lower(hex(before_hash)) AS beforeHash, lower(hex(last_hash)) AS lastHash, rows, sums
  FROM purged_ranges ORDER BY chain, from_seq`;

/** Who and from where are a line each, however much a caller sent. */
const WORD_MAX_CHARS = 256;

/**
 * The trail of one data directory. What is read is read anew each time: other connections append
 * too. Writes throw `store_unavailable` when the store cannot be written.
 */
export function openAuditTrail(db: Database): AuditTrail {
  const insertEvent = db.prepare<SqlValue[]>(INSERT_EVENT);
  const insertCheckpoint = db.prepare<SqlValue[]>(INSERT_CHECKPOINT);
  const selectLast = db.prepare<[], CheckpointRow>(SELECT_LAST_CHECKPOINT);

  const append = db.transaction((event: NewAdminEvent): AdminEvent => {
    const head = readAdminHead(db);
    const row = {
      seq: head.seq + 1,
      atMs: event.atMs,
      actor: toWord(event.actor),
      origin: toWord(event.origin),
      action: toWord(event.action),
      target: toWord(event.target),
      before: toAuditJson(event.before),
      after: toAuditJson(event.after),
    };
    const hash = nextHash(head.hash, toEventText(row));
    const { seq, atMs, actor, origin, action, target, before, after } = row;
    insertEvent.run(seq, atMs, actor, origin, action, target, before, after, hash);
    return { ...row, before: parse(before), after: parse(after), hash };
  });

  return {
    get installId() {
      return String(getMeta(db, 'install_id') ?? '');
    },
    // Inside a transaction of the caller this is a savepoint of it.
    record: (event) => orUnavailable('The audit trail', () => append.immediate(event)),
    heads: () => ({ requests: readRequestsHead(db), admin_events: readAdminHead(db) }),
    addCheckpoint({ atMs, heads, note }) {
      const { requests, admin_events: admin } = heads;
      orUnavailable('The checkpoint', () =>
        insertCheckpoint.run(atMs, requests.seq, requests.hash, admin.seq, admin.hash, note),
      );
    },
    lastCheckpoint() {
      const row = selectLast.get();
      return row === undefined ? null : toCheckpoint(row);
    },
  };
}

/** The last administrative event, which retention may have deleted. */
export function readAdminHead(db: Database): ChainHead {
  const head = db
    .prepare<[], ChainHead>(
      `SELECT seq, lower(hex(hash)) AS hash FROM (
         SELECT * FROM (SELECT seq, hash FROM admin_events ORDER BY seq DESC LIMIT 1)
         UNION ALL
         SELECT * FROM (SELECT to_seq, last_hash FROM purged_ranges WHERE chain = 'admin_events'
           ORDER BY to_seq DESC LIMIT 1)
       ) ORDER BY seq DESC LIMIT 1`,
    )
    .get();
  return head ?? { seq: 0, hash: FIRST_PREVIOUS_HASH };
}

/** What retention removed, by chain and first row. */
export function readPurgedRanges(db: Database): PurgedRange[] {
  return db.prepare<[], PurgedRange>(SELECT_RANGES).all();
}

interface CheckpointRow {
  readonly atMs: number;
  readonly note: string;
  readonly requestsSeq: number;
  readonly requestsHash: string;
  readonly adminSeq: number;
  readonly adminHash: string;
}

function toCheckpoint(row: CheckpointRow): Checkpoint {
  return {
    atMs: row.atMs,
    note: row.note,
    heads: {
      requests: { seq: row.requestsSeq, hash: row.requestsHash },
      admin_events: { seq: row.adminSeq, hash: row.adminHash },
    },
  };
}

function toWord(text: string): string {
  return maskSecrets(text).slice(0, WORD_MAX_CHARS).toWellFormed();
}

function parse(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

function orUnavailable<T>(what: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw new GateError('store_unavailable', `${what} cannot be written now.`, { cause });
  }
}
