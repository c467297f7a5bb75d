import { databasePath } from '../../src/store/open-database.ts';
import { openSqlite } from '../../src/store/sqlite.ts';

/** A finished request as the view `request_log` shows it. */
export interface LoggedRequest {
  readonly seq: number;
  readonly id: string;
  readonly outcome: string;
  readonly [column: string]: string | number | null;
}

/** Every finished request of a closed data directory, in the order they were written. */
export function readRequestLog(dataDir: string): LoggedRequest[] {
  return queryClosed(dataDir, 'SELECT * FROM request_log ORDER BY seq');
}

/** Rows of any statement over a closed data directory. */
export function queryClosed<Row>(dataDir: string, sql: string): Row[] {
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  try {
    return db.prepare<[], Row>(sql).all();
  } finally {
    db.close();
  }
}

/** A request id as the database shows it. */
export function toHexId(id: string): string {
  return id.replaceAll('-', '');
}
