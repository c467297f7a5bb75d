import type { HashedEvent } from '../audit/event-text.ts';
import { renderCheckpointLine, renderEventLine, renderRequestLine } from '../audit/export-line.ts';
import { ATTEMPTS_TEXT_SQL, REQUEST_TEXT_SQL } from '../audit/request-text.ts';
import { readAdminHead } from './audit-events.ts';
import { getMeta } from './meta.ts';
import { readRequestsHead } from './requests-head.ts';
import type { Database } from './sqlite.ts';

/** What is exported: both hash chains and the signed statements of where they ended. */
export type ExportedChain = 'requests' | 'admin_events' | 'checkpoints';

/** A row as it leaves the gateway. */
export interface ChainRow {
  /** Position in its chain; of a checkpoint, its time in milliseconds. */
  readonly seq: number;
  readonly atMs: number;
  /** Hexadecimal, 64 characters; empty for a checkpoint. */
  readonly hash: string;
  /** One JSON document: `audit/export-line.ts`. */
  readonly line: string;
}

export interface ChainRows {
  /** The newest seq of each chain, 0 for an empty one. Rows that were purged count. */
  heads(): Record<ExportedChain, number>;
  /** The next rows in order: at most `limit`, fewer when they are long, none at the end. */
  read(chain: ExportedChain, afterSeq: number, limit: number): ChainRow[];
}

/** The same from another thread: `ChainRows` of the books worker. */
export interface ChainReader {
  heads(): Promise<Record<ExportedChain, number>>;
  read(chain: ExportedChain, afterSeq: number, limit: number): Promise<ChainRow[]>;
}

/** Text of one answer, after which it ends: characters, some as many bytes. */
const ENOUGH_CHARS = 1024 * 1024;

const SELECT_EVENTS = `SELECT seq, at_ms AS atMs, actor, origin, action, target, "before", "after",
    lower(hex(hash)) AS hash
  FROM admin_events WHERE seq > ? ORDER BY seq LIMIT ?`;

const SELECT_CHECKPOINTS =
  'SELECT at_ms AS atMs, note FROM checkpoints WHERE at_ms > ? ORDER BY at_ms LIMIT ?';

interface TextRow {
  readonly seq: number;
  readonly text: string;
}

interface CheckpointNote {
  readonly atMs: number;
  readonly note: string;
}

/** Reads the chains for export, on whatever connection it is given. */
export function openChainRows(db: Database): ChainRows {
  const installId = String(getMeta(db, 'install_id') ?? '');
  const nextRequest = db.prepare<[number], number | null>(
    'SELECT min(seq) FROM requests WHERE seq > ?',
  );
  const lastCheckpoint = db.prepare<[], number | null>('SELECT max(at_ms) FROM checkpoints');
  const requests = db.prepare<[number, number], TextRow & { hash: string }>(REQUEST_TEXT_SQL);
  const attempts = db.prepare<[number, number], TextRow>(ATTEMPTS_TEXT_SQL);
  const events = db.prepare<[number, number], HashedEvent & { hash: string }>(SELECT_EVENTS);
  const checkpoints = db.prepare<[number, number], CheckpointNote>(SELECT_CHECKPOINTS);

  function* readRequests(afterSeq: number, limit: number): Generator<ChainRow> {
    const first = nextRequest.pluck().get(afterSeq) ?? null;
    if (first === null) return;
    const range = [first - 1, first - 1 + limit] as const;
    const tried = new Map(attempts.all(...range).map(({ seq, text }) => [seq, text]));
    for (const { seq, text, hash } of requests.iterate(...range)) {
      const attemptsText = tried.get(seq) ?? '';
      const line = renderRequestLine({ installId, hash, text, attemptsText });
      yield { seq, atMs: Number(text.split('\n', 5)[4]), hash, line };
    }
  }

  function* readEvents(afterSeq: number, limit: number): Generator<ChainRow> {
    for (const event of events.iterate(afterSeq, limit)) {
      const { seq, atMs, hash } = event;
      yield { seq, atMs, hash, line: renderEventLine(event, hash, installId) };
    }
  }

  function* readCheckpoints(afterMs: number, limit: number): Generator<ChainRow> {
    for (const { atMs, note } of checkpoints.iterate(afterMs, limit)) {
      yield { seq: atMs, atMs, hash: '', line: renderCheckpointLine(atMs, note, installId) };
    }
  }

  const readers = {
    requests: readRequests,
    admin_events: readEvents,
    checkpoints: readCheckpoints,
  };

  // One view of the books for a row and its attempts, which retention may be deleting.
  const read = db.transaction((chain: ExportedChain, afterSeq: number, limit: number) =>
    takeEnough(readers[chain](afterSeq, limit)),
  );

  return {
    heads: () => ({
      requests: readRequestsHead(db).seq,
      admin_events: readAdminHead(db).seq,
      checkpoints: lastCheckpoint.pluck().get() ?? 0,
    }),
    read: (chain, afterSeq, limit) => read(chain, afterSeq, limit),
  };
}

function takeEnough(rows: Iterable<ChainRow>): ChainRow[] {
  const taken: ChainRow[] = [];
  let chars = 0;
  for (const row of rows) {
    taken.push(row);
    chars += row.line.length;
    if (chars >= ENOUGH_CHARS) break;
  }
  return taken;
}
