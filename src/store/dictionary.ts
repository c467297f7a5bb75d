import type { Database, SqlValue } from './sqlite.ts';

/** Past this many, the memory of known texts starts anew; the table keeps them all. */
const MAX_REMEMBERED = 50_000;

/**
 * Texts as small numbers, in a table whose one unique column is the text. A number is given when a
 * text is first written, inside the transaction of the row that needs it, and never changes.
 */
export interface Dictionary {
  /** `others` are the values of the table's other columns, asked for only when the text is new. */
  id(text: string, others?: () => readonly SqlValue[]): number;
  /** After a rollback: what was numbered inside the lost transaction is unknown again. */
  forget(): void;
}

/** `table` and the columns are our own words; `others` (`a, b`) are written beside the text. */
export function openDictionary(
  db: Database,
  table: string,
  column: string,
  others = '',
): Dictionary {
  const columns = others === '' ? [column] : [column, ...others.split(', ')];
  const find = db.prepare<[string], number>(`SELECT id FROM ${table} WHERE ${column} = ?`).pluck();
  const insert = db.prepare<SqlValue[]>(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  const remembered = new Map<string, number>();

  function remember(text: string, id: number): number {
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(text, id);
    return id;
  }

  return {
    id(text, valuesOf) {
      const known = remembered.get(text);
      if (known !== undefined) return known;
      const found = find.get(text);
      if (found !== undefined) return remember(text, found);
      return remember(text, Number(insert.run(text, ...(valuesOf?.() ?? [])).lastInsertRowid));
    },
    forget: () => remembered.clear(),
  };
}
