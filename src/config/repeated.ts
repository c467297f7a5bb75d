import type { Finding, ValuePath } from './finding.ts';
import { at, isMap, itemsOf } from './raw.ts';

/**
 * Entries of a list that count the same thing, by the values of `keys`: the second is a slip, or
 * the first was meant to be replaced. Only those that `counts` says yes to are compared.
 */
export function repeated(
  file: unknown,
  list: 'limits' | 'budgets',
  keys: readonly string[],
  counts: (entry: unknown) => boolean = () => true,
): Finding[] {
  const firsts = new Map<string, number>();
  const findings: Finding[] = [];
  for (const [index, entry] of itemsOf(at(file, list)).entries()) {
    if (!isMap(entry) || !counts(entry)) continue;
    const identity = JSON.stringify(keys.map((key) => [key, at(entry, key)]));
    const first = firsts.get(identity);
    firsts.set(identity, first ?? index);
    if (first === undefined) continue;
    findings.push({ path: [list, index], message: `the same as ${list}[${first}]` });
  }
  return findings;
}

/** What is written more than once in a list of names or numbers. */
export function duplicates(list: unknown, path: ValuePath): Finding[] {
  const seen = new Set<unknown>();
  return itemsOf(list).flatMap((item, index): Finding[] => {
    if (typeof item !== 'string' && typeof item !== 'number') return [];
    const isRepeated = seen.has(item);
    seen.add(item);
    return isRepeated ? [{ path: [...path, index], message: 'listed twice' }] : [];
  });
}
