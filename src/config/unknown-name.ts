import { findNearest } from './did-you-mean.ts';
import type { Finding, ValuePath } from './finding.ts';
import { didYouMean } from './schema-findings.ts';

const MOST_LISTED = 12;

/** Searches for what was meant among one list of names: each is long, and nobody reads on. */
const MOST_SEARCHES = 10;
const searches = new WeakMap<readonly string[], number>();

/** A name that leads nowhere: with the one that was likely meant, or those that there are. */
export function unknownName(
  kind: string,
  name: string,
  path: ValuePath,
  known: readonly string[],
): Finding {
  const message = `unknown ${kind} ${JSON.stringify(name)}`;
  const done = searches.get(known) ?? 0;
  searches.set(known, done + 1);
  const nearest = done < MOST_SEARCHES ? findNearest(name, known) : undefined;
  if (nearest !== undefined) return { path, message, hint: didYouMean(nearest) };
  if (known.length === 0 || known.length > MOST_LISTED) return { path, message };
  return { path, message, hint: `known here: ${known.join(', ')}` };
}
