import type { SessionSource } from './model-table.ts';
import type { RequestFacts } from './plan.ts';

/** As it is up to this length; what is longer or not plain is shortened to its hash. */
const LONGEST = 64;
const KEPT = 24;

/**
 * The name of the session that a request belongs to, from the first source that has one. It
 * begins with whose it is, so that no tenant's sessions meet another's, and it is visible ASCII
 * after the last blank, whatever the caller wrote.
 */
export function findSession(sources: readonly SessionSource[], facts: RequestFacts): string | null {
  for (const source of sources) {
    const text = source === 'x-session-id' ? facts.header(source) : facts.parameter(source);
    if (text === null || text === '' || text === 'null') continue;
    const owner = facts.tenant === null ? `key ${facts.keyId}` : `tenant ${facts.tenant}`;
    return `${owner} ${toPlain(text)}`;
  }
  return null;
}

function toPlain(text: string): string {
  if (text.length <= LONGEST && /^[\x21-\x7e]+$/.test(text)) return text;
  const start = text.slice(0, KEPT).replaceAll(/[^\x21-\x7e]/g, '_');
  return `${start}~${Bun.hash(text).toString(36)}`;
}
