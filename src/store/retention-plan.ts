import type { ChainName } from './audit-trail.ts';
import type { Database } from './sqlite.ts';

// Chooses the rows of a chain that may go. Rows lie in the order of their ends, but clocks are set:
// so each row is taken at its own word, and the search is over only where for a whole window no
// row is old enough.

/** Rows looked at in one step: some 10 ms. */
const WINDOW_ROWS = 5_000;

export interface PlanBounds {
  readonly cutoffMs: number;
  readonly afterSeq: number;
  /** The last row that may go. */
  readonly lastSeq: number;
}

/** Consecutive rows that may go. */
export interface PurgeRun {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Whether only their age keeps the rows after it: it may grow later. */
  readonly isOpen: boolean;
}

export interface WindowPlan {
  readonly runs: readonly PurgeRun[];
  /** Where the next window begins. */
  readonly endSeq: number;
  /** The first row that is too young, if there is one: the next purge must look at it again. */
  readonly firstYoungSeq: number | null;
  readonly isLast: boolean;
  /** When the first row that may go ended; null when there is none. */
  readonly firstEndedAtMs: number | null;
  /** Rows that a legal hold keeps. */
  readonly held: number;
}

type Looked = readonly [seq: number, endedAtMs: number, isHeld: number];

const LOOK = {
  requests: `SELECT seq, started_at_ms + duration_ms,
      dimension IN (SELECT id FROM temp.held_dimensions)
    FROM requests WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${WINDOW_ROWS}`,
  admin_events: `SELECT seq, at_ms, 0
    FROM admin_events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${WINDOW_ROWS}`,
} as const;

const CREATE_HELD = 'CREATE TEMP TABLE IF NOT EXISTS held_dimensions (id INTEGER PRIMARY KEY)';

const FILL_HELD = `INSERT OR IGNORE INTO temp.held_dimensions
  SELECT d.id FROM legal_holds h JOIN names n ON n.name = h.subject
    JOIN dimensions d ON CASE h.scope WHEN 'key' THEN d.key WHEN 'user' THEN d.user
      WHEN 'team' THEN d.team WHEN 'tenant' THEN d.tenant END = n.id
  WHERE h.released_at_ms IS NULL AND h.scope <> 'all'`;

export interface PurgePlanner {
  /** Learns what is held now. False when nothing of the chain may be removed at all. */
  begin(): boolean;
  window(bounds: PlanBounds): WindowPlan;
}

export function openPurgePlanner(db: Database, chain: ChainName): PurgePlanner {
  db.exec(CREATE_HELD);
  const clearHeld = db.prepare('DELETE FROM temp.held_dimensions');
  const fillHeld = db.prepare(FILL_HELD);
  // Nobody can tell whom an event is about, so any hold keeps all of them.
  const isAllHeld = db
    .prepare<[], number>(
      `SELECT EXISTS (SELECT 1 FROM legal_holds WHERE released_at_ms IS NULL
         ${chain === 'requests' ? "AND scope = 'all'" : ''})`,
    )
    .pluck();
  const look = db.prepare<[number, number], Looked>(LOOK[chain]).raw();

  const window = ({ cutoffMs, afterSeq, lastSeq }: PlanBounds): WindowPlan => {
    const rows = look.all(afterSeq, lastSeq);
    const runs: { fromSeq: number; toSeq: number; isOpen: boolean }[] = [];
    let firstYoungSeq: number | null = null;
    let firstEndedAtMs: number | null = null;
    let held = 0;
    let hasOld = false;
    let run: { fromSeq: number; toSeq: number; isOpen: boolean } | undefined;
    for (const [seq, endedAtMs, isHeld] of rows) {
      const isYoung = endedAtMs >= cutoffMs;
      if (!isYoung) hasOld = true;
      if (isYoung) firstYoungSeq ??= seq;
      else if (isHeld === 1) held += 1;
      if (isYoung || isHeld === 1) {
        if (run !== undefined && run.toSeq === seq - 1) run.isOpen = isYoung;
        run = undefined;
      } else if (run?.toSeq === seq - 1) {
        run.toSeq = seq;
      } else {
        run = { fromSeq: seq, toSeq: seq, isOpen: true };
        firstEndedAtMs ??= endedAtMs;
        runs.push(run);
      }
    }
    const isLast = rows.length < WINDOW_ROWS || !hasOld;
    const endSeq = rows.at(-1)?.[0] ?? lastSeq;
    return { runs, endSeq, firstYoungSeq, firstEndedAtMs, isLast, held };
  };

  return {
    begin() {
      clearHeld.run();
      fillHeld.run();
      return isAllHeld.get() === 0;
    },
    window,
  };
}
