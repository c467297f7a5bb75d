import { firstSchema } from './migrations/0001-first-schema.ts';
import { hashChains } from './migrations/0002-hash-chains.ts';
import type { Database } from './sqlite.ts';

/** Turns the schema before it into its own, inside the transaction of its caller. */
export type Migration = (db: Database) => void;

/** In order, forward only. `user_version` counts how many have run; a published one never changes. */
export const MIGRATIONS: readonly Migration[] = [(db) => db.exec(firstSchema), hashChains];

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
  for (const [version, migration] of MIGRATIONS.entries()) {
    if (version < schemaVersionOf(db)) continue;
    const step = db.transaction(() => {
      migration(db);
      if (version === 0) {
        db.pragma(`application_id = ${APPLICATION_ID}`);
        afterFirst(db);
      }
      db.pragma(`user_version = ${version + 1}`);
    });
    step.immediate();
  }
}
