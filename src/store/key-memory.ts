import { openSqlite, type SqlValue } from './sqlite.ts';

/** Records by number, in memory. */
export interface KeyMemory {
  get(number: number): Buffer | undefined;
  put(number: number, record: Uint8Array): void;
  /**
   * Numbers and records in turn, `FILL_ENTRIES` pairs: many times as fast as one by one. Leaves
   * numbers alone that are there already, and says how many were not.
   */
  fill(pairs: readonly (number | Uint8Array)[]): number;
  sizeBytes(): number;
  close(): void;
}

export const FILL_ENTRIES = 32;

/**
 * An in-memory table of SQLite's: a place for a hundred megabytes that the runtime's
 * collector does not see. In buffers of the runtime's own the same records would have it
 * put off collecting until twice as much garbage has piled up beside them.
 */
export function openKeyMemory(): KeyMemory {
  const db = openSqlite(':memory:', { busyTimeoutMs: 0, mustExist: false });
  db.exec('CREATE TABLE keys (number INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT');
  const select = db.prepare<[number], Buffer>('SELECT record FROM keys WHERE number = ?').pluck();
  const upsert = db.prepare<[number, Uint8Array]>(
    'INSERT INTO keys VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record',
  );
  const places = Array.from({ length: FILL_ENTRIES }, () => '(?, ?)').join(', ');
  const insert = db.prepare<SqlValue[]>(`INSERT INTO keys VALUES ${places} ON CONFLICT DO NOTHING`);
  return {
    get: (number) => select.get(number),
    put: (number, record) => void upsert.run(number, record),
    fill: (pairs) => insert.run(...pairs).changes,
    sizeBytes() {
      const pages = Number(db.pragma('page_count', { simple: true }));
      return pages * Number(db.pragma('page_size', { simple: true }));
    },
    close: () => void db.close(),
  };
}
