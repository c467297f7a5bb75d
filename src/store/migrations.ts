import { firstSchema } from './migrations/0001-first-schema.ts';
import type { Database } from './sqlite.ts';

/** In order, forward only. `user_version` counts how many have run; a published one never changes. */
export const MIGRATIONS: readonly string[] = [firstSchema];

/** 'llmg' in SQLite's header, so that another program's database is not mistaken for ours. */
export const APPLICATION_ID = 0x6c6c6d67;

export const SCHEMA_VERSION = MIGRATIONS.length;

export function schemaVersionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/**
 * Brings an older database to this schema, one transaction per step, so that a crash leaves it at
 * a version that exists. `afterFirst` runs inside the first step of a new database.
 */
export function migrate(db: Database, afterFirst: (db: Database) => void): void {
  for (let version = schemaVersionOf(db); version < SCHEMA_VERSION; version += 1) {
    const step = db.transaction(() => {
      db.exec(MIGRATIONS[version] ?? '');
      if (version === 0) {
        db.pragma(`application_id = ${APPLICATION_ID}`);
        afterFirst(db);
      }
      db.pragma(`user_version = ${version + 1}`);
    });
    step.immediate();
  }
}
