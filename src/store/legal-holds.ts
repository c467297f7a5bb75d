import { GateError } from '../core/error.ts';
import { type Database, isBadRow, type SqlValue } from './sqlite.ts';

/** What a hold can cover; `all` is everything and has an empty subject. */
export const HOLD_SCOPES = ['all', 'key', 'user', 'team', 'tenant'] as const;
export type HoldScope = (typeof HOLD_SCOPES)[number];

/** What must not be removed, however old it is. */
export interface LegalHold {
  readonly id: number;
  readonly scope: HoldScope;
  /** The id of a key, or a name. */
  readonly subject: string;
  readonly reason: string;
  readonly createdAtMs: number;
  /** null while it holds. */
  readonly releasedAtMs: number | null;
}

/** Read anew each time, because commands and the purge have connections of their own. */
export interface LegalHolds {
  /** Newest first; released ones too. */
  list(): LegalHold[];
  find(id: number): LegalHold | undefined;
  /** The oldest one that covers exactly this and still holds. */
  findActive(scope: HoldScope, subject: string): LegalHold | undefined;
  isHeld(scope: HoldScope, subject: string): boolean;
  countActive(): number;
  /** Throws `store_unavailable` when it cannot be written, as `release` does. */
  place(hold: Omit<LegalHold, 'id' | 'releasedAtMs'>): LegalHold;
  /** False when there is no such hold, or it was released before. */
  release(id: number, atMs: number): boolean;
  /** Differs whenever what is held does. */
  stamp(): string;
}

const COLUMNS = `id, scope, subject, reason, created_at_ms AS createdAtMs,
  released_at_ms AS releasedAtMs`;

export function openLegalHolds(db: Database): LegalHolds {
  const selectAll = db.prepare<[], LegalHold>(
    `SELECT ${COLUMNS} FROM legal_holds ORDER BY id DESC`,
  );
  const selectOne = db.prepare<[number], LegalHold>(
    `SELECT ${COLUMNS} FROM legal_holds WHERE id = ?`,
  );
  const selectActive = db.prepare<[string, string], LegalHold>(
    `SELECT ${COLUMNS} FROM legal_holds
     WHERE released_at_ms IS NULL AND scope = ? AND subject = ? ORDER BY id LIMIT 1`,
  );
  const count = db
    .prepare<[], number>('SELECT count(*) FROM legal_holds WHERE released_at_ms IS NULL')
    .pluck();
  const insert = db.prepare<SqlValue[]>(
    'INSERT INTO legal_holds (scope, subject, reason, created_at_ms) VALUES (?, ?, ?, ?)',
  );
  const update = db.prepare<[number, number]>(
    'UPDATE legal_holds SET released_at_ms = ? WHERE id = ? AND released_at_ms IS NULL',
  );
  const selectStamp = db
    .prepare<[], string>(
      `SELECT concat_ws(' ', count(*), max(id), count(released_at_ms)) FROM legal_holds`,
    )
    .pluck();

  const findActive = (scope: HoldScope, subject: string) => selectActive.get(scope, subject);
  return {
    list: () => selectAll.all(),
    find: (id) => selectOne.get(id),
    findActive,
    isHeld: (scope, subject) => findActive(scope, subject) !== undefined,
    countActive: () => count.get() ?? 0,
    place: (hold) =>
      orUnavailable(() => {
        const { scope, subject, reason, createdAtMs } = hold;
        const { lastInsertRowid } = insert.run(scope, subject, reason, createdAtMs);
        return { ...hold, id: Number(lastInsertRowid), releasedAtMs: null };
      }),
    release: (id, atMs) => orUnavailable(() => update.run(atMs, id).changes > 0),
    stamp: () => selectStamp.get() ?? '',
  };
}

function orUnavailable<T>(write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (isBadRow(cause)) throw cause;
    throw new GateError('store_unavailable', 'Legal holds cannot be written now.', { cause });
  }
}
