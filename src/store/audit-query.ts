import { FIRST_PREVIOUS_HASH, nextHash } from '../audit/chain.ts';
import { EVENT_TEXT_SQL, type HashedEvent } from '../audit/event-text.ts';
import { renderEventLine, renderRequestLine } from '../audit/export-line.ts';
import { ATTEMPTS_TEXT_SQL, REQUEST_TEXT_SQL } from '../audit/request-text.ts';
import type { ChainName } from './audit-trail.ts';
import { getMeta } from './meta.ts';
import type { Database } from './sqlite.ts';

/** Which rows of a chain. Null leaves a condition out. */
export interface AuditQuery {
  readonly chain: ChainName;
  /** When a request was let in or an event happened: since inclusive, until exclusive. */
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  /** Id of the key that a request is booked on, or that an event is about. */
  readonly keyId: string | null;
  /** `key.create`, or `key.*` for all of an object. Of events alone. */
  readonly action: string | null;
  readonly order: 'newest' | 'oldest';
  /** Where the page before ended; null begins at the end that `order` says. */
  readonly after: number | null;
  readonly limit: number;
}

export interface AuditPage {
  /** One JSON document each, as they are exported. */
  readonly lines: readonly string[];
  /** `after` of the next page, which may be empty too; null when there is none. */
  readonly next: number | null;
}

export type AuditRef =
  | { readonly chain: ChainName; readonly seq: number }
  /** Of a request, as text with or without dashes. */
  | { readonly requestId: string };

export interface AuditEntry {
  readonly line: string;
  /** null when the row before is gone. */
  readonly previousHash: string | null;
  /** Whether the hash is that of the content; null when the hash before is not known. */
  readonly isIntact: boolean | null;
}

/** Rows looked at for one page: a fraction of a second, whatever the conditions. */
const SCANNED_MAX = 100_000;

/**
 * Rows lie in the order of their ends, and clocks are set: a row may lie this far from where its
 * time would put it.
 */
const DISORDER_MS = 24 * 60 * 60_000;

export interface AuditReader {
  page(query: AuditQuery): AuditPage;
  entry(ref: AuditRef): AuditEntry | null;
}

export function openAuditReader(db: Database): AuditReader {
  const rows = openRowReader(db);
  return {
    page: (query) => db.transaction(() => findPage(db, rows, query))(),
    entry: (ref) => db.transaction(() => findEntry(db, rows, ref))(),
  };
}

const TIME = { requests: 'started_at_ms', admin_events: 'at_ms' } as const;

function findPage(db: Database, rows: RowReader, query: AuditQuery): AuditPage {
  const { chain, order, after, limit } = query;
  const bounds = findBounds(db, query);
  const isNewest = order === 'newest';
  const from = after ?? (isNewest ? bounds.toSeq + 1 : bounds.fromSeq - 1);
  const low = isNewest ? Math.max(bounds.fromSeq, from - SCANNED_MAX) : from + 1;
  const high = isNewest ? from - 1 : Math.min(bounds.toSeq, from + SCANNED_MAX);
  const { where, values } = toConditions(query);
  const seqs = db
    .prepare<unknown[], number>(
      `SELECT seq FROM ${chain} WHERE seq BETWEEN ? AND ? ${where}
       ORDER BY seq ${isNewest ? 'DESC' : 'ASC'} LIMIT ?`,
    )
    .pluck()
    .all(low, high, ...values, limit);
  const isFull = seqs.length === limit;
  const isEnd = isNewest ? low <= bounds.fromSeq : high >= bounds.toSeq;
  const next = isFull ? (seqs.at(-1) ?? null) : isEnd ? null : isNewest ? low : high;
  return { lines: seqs.flatMap((seq) => rows.find(chain, seq)?.line ?? []), next };
}

function toConditions({ chain, sinceMs, untilMs, keyId, action }: AuditQuery) {
  const where: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, value: string | number | null) => {
    if (value === null) return;
    where.push(`AND ${condition}`);
    values.push(value);
  };
  add(`${TIME[chain]} >= ?`, sinceMs);
  add(`${TIME[chain]} < ?`, untilMs);
  if (chain === 'requests') {
    add(
      `dimension IN (SELECT d.id FROM names n JOIN dimensions d ON d.key = n.id WHERE n.name = ?)`,
      keyId,
    );
  } else {
    add('target = ?', keyId);
    add('action GLOB ?', action);
  }
  return { where: where.join(' '), values };
}

interface Bounds {
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** The rows among which those of a stretch of time lie, found without reading the others. */
function findBounds(db: Database, { chain, sinceMs, untilMs }: AuditQuery): Bounds {
  const all = db
    .prepare<[], { first: number | null; last: number | null }>(
      `SELECT (SELECT min(seq) FROM ${chain}) AS first, (SELECT max(seq) FROM ${chain}) AS last`,
    )
    .get();
  const [first, last] = [all?.first ?? 1, all?.last ?? 0];
  // Rows may be missing: the next one stands for them.
  const timeAt = db
    .prepare<[number], number>(
      `SELECT ${TIME[chain]} FROM ${chain} WHERE seq >= ? ORDER BY seq LIMIT 1`,
    )
    .pluck();
  const findFirst = (timeMs: number): number => {
    let [low, high] = [first, last + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((timeAt.get(middle) ?? Number.POSITIVE_INFINITY) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    fromSeq: sinceMs === null ? first : findFirst(sinceMs - DISORDER_MS),
    toSeq: untilMs === null ? last : Math.min(last, findFirst(untilMs + DISORDER_MS)),
  };
}

function findEntry(db: Database, rows: RowReader, ref: AuditRef): AuditEntry | null {
  const chain = 'chain' in ref ? ref.chain : 'requests';
  const seq = 'seq' in ref ? ref.seq : findSeq(db, ref.requestId);
  const row = seq === undefined ? undefined : rows.find(chain, seq);
  if (seq === undefined || row === undefined) return null;
  const previousHash = rows.hashBefore(chain, seq);
  const isIntact = previousHash === null ? null : nextHash(previousHash, row.text) === row.hash;
  return { line: row.line, previousHash, isIntact };
}

function findSeq(db: Database, requestId: string): number | undefined {
  return db
    .prepare<[string], number>(`SELECT seq FROM requests WHERE id = unhex(?, '-')`)
    .pluck()
    .get(requestId);
}

interface FoundRow {
  readonly text: string;
  readonly hash: string;
  readonly line: string;
}

type RowReader = ReturnType<typeof openRowReader>;

function openRowReader(db: Database) {
  type Text = { readonly text: string; readonly hash: string };
  const installId = String(getMeta(db, 'install_id') ?? '');
  const selectRequest = db.prepare<[number, number], Text>(REQUEST_TEXT_SQL);
  const selectAttempts = db.prepare<[number, number], { text: string }>(ATTEMPTS_TEXT_SQL);
  const selectEventText = db.prepare<[number, number], Text>(EVENT_TEXT_SQL);
  const selectEvent = db.prepare<[number], HashedEvent>(
    `SELECT seq, at_ms AS atMs, actor, origin, action, target, "before", "after"
     FROM admin_events WHERE seq = ?`,
  );
  const selectPurgedHash = db
    .prepare<[ChainName, number], string>(
      'SELECT lower(hex(last_hash)) FROM purged_ranges WHERE chain = ? AND to_seq = ?',
    )
    .pluck();

  function findRequest(seq: number): FoundRow | undefined {
    const row = selectRequest.get(seq - 1, seq);
    if (row === undefined) return undefined;
    const attemptsText = selectAttempts.get(seq - 1, seq)?.text ?? '';
    const line = renderRequestLine({ installId, hash: row.hash, text: row.text, attemptsText });
    return { text: row.text + attemptsText, hash: row.hash, line };
  }

  function findEvent(seq: number): FoundRow | undefined {
    const row = selectEventText.get(seq - 1, seq);
    const event = selectEvent.get(seq);
    if (row === undefined || event === undefined) return undefined;
    return { ...row, line: renderEventLine(event, row.hash, installId) };
  }

  const find = (chain: ChainName, seq: number): FoundRow | undefined =>
    chain === 'requests' ? findRequest(seq) : findEvent(seq);
  return {
    find,
    hashBefore(chain: ChainName, seq: number): string | null {
      if (seq === 1) return FIRST_PREVIOUS_HASH;
      return find(chain, seq - 1)?.hash ?? selectPurgedHash.get(chain, seq - 1) ?? null;
    },
  };
}
