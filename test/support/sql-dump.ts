import type { Database } from '../../src/store/sqlite.ts';

/** A database as the statements that make it again: schema first, then rows in a fixed order. */
export function dumpDatabase(db: Database): string {
  const lines = ['application_id', 'user_version'].map(
    (name) => `PRAGMA ${name} = ${db.pragma(name, { simple: true })};`,
  );
  lines.push(dumpSchema(db));
  for (const table of tablesOf(db)) lines.push(...dumpRows(db, table));
  return `${lines.join('\n')}\n`;
}

export function dumpSchema(db: Database): string {
  return db
    .prepare<[], string>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid')
    .pluck()
    .all()
    .map((sql) => `${sql};\n`)
    .join('');
}

function tablesOf(db: Database): string[] {
  return db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
    .pluck()
    .all();
}

function dumpRows(db: Database, table: string): string[] {
  const columns = db
    .prepare<[string], string>('SELECT name FROM pragma_table_info(?)')
    .pluck()
    .all(table);
  const quoted = columns.map((column) => `quote("${column}")`).join(', ');
  return db
    .prepare<[], string[]>(`SELECT ${quoted} FROM ${table} ORDER BY 1`)
    .raw()
    .all()
    .map((values) => `INSERT INTO ${table} VALUES (${values.join(', ')});`);
}
