import type { Database } from './sqlite.ts';

/** Facts about the database itself, by name. */
export function getMeta(db: Database, name: string): string | number | undefined {
  return db
    .prepare<[string], string | number>('SELECT value FROM meta WHERE name = ?')
    .pluck()
    .get(name);
}

export function setMeta(db: Database, name: string, value: string | number): void {
  db.prepare(
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  ).run(name, value);
}
