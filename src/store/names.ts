import type { Price } from '../core/price.ts';
import type { Database } from './sqlite.ts';

/** A word that is not there: no user, no backend, no model, no price. */
export const NONE = 0;

/** Past this many, the memory of known words starts anew; the table keeps them all. */
const MAX_REMEMBERED = 50_000;

/**
 * Words as small numbers. A number is given when a word is first written, inside the transaction
 * of the row that needs it, and never changes.
 */
export interface Names {
  id(name: string | null): number;
  tagSetId(tags: Readonly<Record<string, string>>): number;
  priceId(price: Price | null): number;
  /** After a rollback: what was numbered inside the lost transaction is unknown again. */
  forget(): void;
}

export function openNames(db: Database): Names {
  const words = openDictionary(db, 'names', 'name');
  const tagSets = openDictionary(db, 'tag_sets', 'tags');
  const findPrice = db
    .prepare<[number, number, number, number], number>(
      'SELECT id FROM prices WHERE input = ? AND cached_input = ? AND output = ? AND reasoning = ?',
    )
    .pluck();
  const insertPrice = db.prepare(
    'INSERT INTO prices (input, cached_input, output, reasoning) VALUES (?, ?, ?, ?)',
  );
  // Both come from a key or a configuration, which outlive many requests.
  let tagSetIds = new WeakMap<object, number>();
  let priceIds = new WeakMap<Price, number>();

  function numberPrice(price: Price): number {
    const { input, cachedInput, output, reasoning } = price;
    const found = findPrice.get(input, cachedInput, output, reasoning);
    if (found !== undefined) return found;
    return Number(insertPrice.run(input, cachedInput, output, reasoning).lastInsertRowid);
  }

  return {
    id: (name) => (name === null || name === '' ? NONE : words.id(name)),
    tagSetId(tags) {
      const known = tagSetIds.get(tags);
      if (known !== undefined) return known;
      const text = toCanonicalJson(tags);
      const id = text === '{}' ? NONE : tagSets.id(text);
      tagSetIds.set(tags, id);
      return id;
    },
    priceId(price) {
      if (price === null) return NONE;
      const known = priceIds.get(price);
      if (known !== undefined) return known;
      const id = numberPrice(price);
      priceIds.set(price, id);
      return id;
    },
    forget() {
      words.forget();
      tagSets.forget();
      tagSetIds = new WeakMap();
      priceIds = new WeakMap();
    },
  };
}

function openDictionary(db: Database, table: string, column: string) {
  const find = db.prepare<[string], number>(`SELECT id FROM ${table} WHERE ${column} = ?`).pluck();
  const insert = db.prepare<[string]>(`INSERT INTO ${table} (${column}) VALUES (?)`);
  const remembered = new Map<string, number>();
  return {
    id(text: string): number {
      const known = remembered.get(text);
      if (known !== undefined) return known;
      const id = find.get(text) ?? Number(insert.run(text).lastInsertRowid);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(text, id);
      return id;
    },
    forget: () => remembered.clear(),
  };
}

/** The same tags in any order are the same set. */
export function toCanonicalJson(tags: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(tags).toSorted(byName)));
}

function byName([left]: [string, string], [right]: [string, string]): number {
  return left < right ? -1 : 1;
}
