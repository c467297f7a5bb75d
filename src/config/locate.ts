import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type { Finding } from './finding.ts';

/** Where findings stand in the text of a document, as offsets. */
export type Locate = (finding: Pick<Finding, 'path' | 'at'>) => number;

/**
 * A missing value is where the map that lacks it begins, or rather its key, which is what a person
 * would look for. Pairs are indexed once for each map: a large file may have findings everywhere.
 */
export function createLocate(document: Document): Locate {
  const indexes = new WeakMap<YAMLMap, Map<string, Pair>>();
  const pairsOf = (map: YAMLMap) => {
    const known = indexes.get(map);
    if (known !== undefined) return known;
    const pairs = map.items.map(
      (pair) => [isScalar(pair.key) ? String(pair.key.value) : '', pair] as const,
    );
    const index = new Map(pairs);
    indexes.set(map, index);
    return index;
  };

  return ({ path, at }) => {
    let node: unknown = document.contents;
    let offset = startOf(node);
    for (const [depth, step] of path.entries()) {
      const holder = isAlias(node) ? node.resolve(document) : node;
      if (isMap(holder)) {
        const pair = pairsOf(holder).get(String(step));
        if (pair === undefined) return offset;
        const isLast = depth === path.length - 1;
        offset = isLast && at !== 'key' ? valueOffset(pair) : startOf(pair.key);
        node = pair.value;
      } else if (isSeq(holder) && typeof step === 'number') {
        node = holder.items[step];
        offset = startOf(node);
      } else {
        return offset;
      }
    }
    return offset;
  };
}

/** The value of a pair; its key when nothing is written, or when the value begins below it. */
function valueOffset({ key, value }: Pair): number {
  if (isScalar(value) && value.value === null && value.source === '') return startOf(key);
  if ((isMap(value) || isSeq(value)) && value.flow !== true) return startOf(key);
  return startOf(value);
}

export function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}
