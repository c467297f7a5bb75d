import { type Dictionary, openDictionary } from './dictionary.ts';
import type { Database } from './sqlite.ts';

/** A word that is not there: no user, no backend, no model, no price. */
export const NONE = 0;

/** Single words, and sets of tags as canonical JSON, as numbers. */
export interface Names {
  id(name: string | null): number;
  tagSetId(tags: Readonly<Record<string, string>> | null): number;
  /** After a rollback. */
  forget(): void;
}

export function openNames(db: Database): Names {
  const words: Dictionary = openDictionary(db, 'names', 'name');
  const tagSets = openDictionary(db, 'tag_sets', 'tags');
  return {
    id: (name) => (name === null || name === '' ? NONE : words.id(name)),
    tagSetId(tags) {
      const canonical = tags === null ? null : toCanonicalTags(tags);
      return canonical === null ? NONE : tagSets.id(JSON.stringify(canonical));
    },
    forget() {
      words.forget();
      tagSets.forget();
    },
  };
}

/** The same tags in any order are one object; null when there are none. */
export function toCanonicalTags(
  tags: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | null {
  let last: string | undefined;
  for (const name of Object.keys(tags)) {
    if (last !== undefined && name < last) {
      return Object.fromEntries(Object.entries(tags).toSorted(byName));
    }
    last = name;
  }
  return last === undefined ? null : tags;
}

function byName([left]: [string, string], [right]: [string, string]): number {
  return left < right ? -1 : 1;
}
