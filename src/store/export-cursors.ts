import type { Database } from './sqlite.ts';

/** How far each copy of the audit trail has got, durable. Names of chains as in `ExportedChain`. */
export interface ExportCursors {
  /** The last seq that the sink has; 0 when it has none. */
  get(sink: string, chain: string): number;
  /** Throws what SQLite throws. Rows that were sent twice do no harm, so nothing waits for it. */
  move(sink: string, chain: string, seq: number): void;
}

export function openExportCursors(db: Database): ExportCursors {
  const select = db
    .prepare<[string, string], number>(
      'SELECT seq FROM export_cursors WHERE sink = ? AND chain = ?',
    )
    .pluck();
  const upsert = db.prepare<[string, string, number]>(
    `INSERT INTO export_cursors (sink, chain, seq) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET seq = excluded.seq`,
  );
  return {
    get: (sink, chain) => select.get(sink, chain) ?? 0,
    move: (sink, chain, seq) => void upsert.run(sink, chain, seq),
  };
}
