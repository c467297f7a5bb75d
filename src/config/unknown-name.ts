import { findNearest } from './did-you-mean.ts';
import type { Finding, ValuePath } from './finding.ts';
import { didYouMean } from './schema-findings.ts';

const MOST_LISTED = 12;

/** A name that leads nowhere: with the one that was likely meant, or those that there are. */
export function unknownName(
  kind: string,
  name: string,
  path: ValuePath,
  known: readonly string[],
): Finding {
  const message = `unknown ${kind} ${JSON.stringify(name)}`;
  const nearest = findNearest(name, known);
  if (nearest !== undefined) return { path, message, hint: didYouMean(nearest) };
  if (known.length === 0 || known.length > MOST_LISTED) return { path, message };
  return { path, message, hint: `known here: ${known.join(', ')}` };
}
