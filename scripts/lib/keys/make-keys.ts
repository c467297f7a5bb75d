import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createKeyText, digestSecret } from '../../../src/access/key-format.ts';
import { openDatabase } from '../../../src/store/open-database.ts';

/** A key that was made and may be used. */
export interface MadeKey {
  readonly id: string;
  readonly text: string;
}

const CREATED_AT_MS = Date.UTC(2026, 0, 1);

/**
 * Makes a data directory with so many keys: users have a few each, teams many; some have limits, a
 * list of models, an expiry or tags. Gives back the first `kept` of them.
 *
 * One transaction straight into the tables, because the operation that issues a key is durable
 * every time. The rows are the same.
 */
export function makeKeys(dataDir: string, count: number, kept: number): MadeKey[] {
  mkdirSync(dataDir, { mode: 0o700 });
  const db = openDatabase(dataDir, 'process');
  const insertKey = db.prepare(
    `INSERT INTO keys (id, name, user, team, tenant, status, created_at_ms, expires_at_ms, models,
       requests_per_minute, budget_nano_usd, budget_window, tags)
     VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertSecret = db.prepare('INSERT INTO key_secrets VALUES (?, ?, ?, NULL)');
  const made = Array.from({ length: count }, (_, index) => {
    const { id, secret, text } = createKeyText((length) => randomBytes(length));
    return { id, digest: digestSecret(secret), text: index < kept ? text : '', index };
  });
  const all = db.transaction(() => {
    // In the order of the tables' own keys, so that no page is visited twice.
    for (const { id, index } of made.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      insertKey.run(id, ...columnsOf(index, count));
    }
    for (const { id, digest, index } of made.toSorted((a, b) =>
      Buffer.compare(a.digest, b.digest),
    )) {
      insertSecret.run(digest, id, CREATED_AT_MS + index);
    }
  });
  all.immediate();
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return made.slice(0, kept).map(({ id, text }) => ({ id, text }));
}

function columnsOf(index: number, count: number): (string | number | null)[] {
  return [
    `key-${index}`,
    `user-${index % Math.ceil(count / 3)}@example.com`,
    `team-${index % 500}`,
    index % 3 === 0 ? `tenant-${index % 20}` : null,
    CREATED_AT_MS + index,
    index % 4 === 0 ? Date.UTC(2126, 0, 1) + index : null,
    index % 5 === 0 ? '["bench","llama-*"]' : null,
    index % 3 === 0 ? 600 : null,
    index % 7 === 0 ? 50_000_000_000 : null,
    index % 7 === 0 ? 'month' : null,
    index % 2 === 0 ? JSON.stringify({ project: `p-${index % 5_000}` }) : '{}',
  ];
}
