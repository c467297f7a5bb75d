import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { type Finding, renderPath, type ValuePath } from './finding.ts';
import type { Problem } from './problem.ts';
import { maskSecrets } from './secret-mask.ts';
import { syntaxMessage } from './syntax-message.ts';

/**
 * The YAML text of a configuration: its plain value, its syntax problems, and where every value
 * stands. When `syntaxProblems` is not empty, `value` is undefined.
 */
export interface ConfigSource {
  readonly value: unknown;
  readonly syntaxProblems: readonly Problem[];
  /** The text with everything that looks like a secret struck out. Same lines, same columns. */
  readonly maskedText: string;
  locate(finding: Finding): Problem;
}

/** Far above any honest file; below it, nested aliases cannot multiply into gigabytes. */
const MOST_ALIASES = 100;

export function parseConfigSource(text: string): ConfigSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The library compares every pair of keys; `repeatedKeys` does it in one pass.
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: 'error',
  });
  const problemAt = (offset: number, path: string, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1), path, message };
  };
  const syntaxProblems = [...document.errors, ...document.warnings].map((error) =>
    problemAt(error.pos[0], '', syntaxMessage(error.code, text, error.pos[0])),
  );
  // One slip makes the parser stumble several times; the first stumble of a line is the slip.
  const seenLines = new Set<number>();
  const first = syntaxProblems.filter(({ line }) => seenLines.size < seenLines.add(line).size);

  let value: unknown;
  if (first.length === 0) first.push(...treeProblems(document, problemAt));
  if (first.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: MOST_ALIASES });
    } catch {
      // The library throws for two reasons only: an alias without anchor, found above, and this.
      first.push(problemAt(0, '', 'its aliases multiply into too many values; write them out'));
    }
  }
  return {
    value,
    syntaxProblems: first,
    maskedText: maskSecrets(text, document),
    locate(finding) {
      const { message, hint, path } = finding;
      const offset = findOffset(document, path, finding.at === 'key');
      const problem = problemAt(offset, renderPath(path), message);
      return hint === undefined ? problem : { ...problem, hint };
    },
  };
}

/** Mistakes that the YAML grammar allows but a configuration cannot mean. */
function treeProblems(
  document: Document,
  problemAt: (offset: number, path: string, message: string) => Problem,
): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) {
        problems.push(problemAt(startOf(alias), '', 'there is no anchor of this name above'));
      }
    },
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? String(key.value) : '';
        const offset = startOf(key);
        if (name === '__proto__') {
          problems.push(problemAt(offset, '', 'this name cannot be used'));
        } else if (seen.has(name)) {
          problems.push(problemAt(offset, '', `the key ${JSON.stringify(name)} is repeated`));
        }
        seen.add(name);
      }
    },
  });
  return problems;
}

/**
 * Where a value stands in the text. A missing value is where the map that lacks it begins, or
 * rather its key, which is what a person would look for.
 */
function findOffset(document: Document, path: ValuePath, wantKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, step] of path.entries()) {
    const holder = isAlias(node) ? node.resolve(document) : node;
    if (isMap(holder)) {
      const pair = holder.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) return offset;
      const isLast = depth === path.length - 1;
      offset = isLast && !wantKey ? valueOffset(pair) : startOf(pair.key);
      node = pair.value;
    } else if (isSeq(holder) && typeof step === 'number') {
      node = holder.items[step];
      offset = startOf(node);
    } else {
      return offset;
    }
  }
  return offset;
}

/** The value of a pair; its key when nothing is written, or the value begins on a later line. */
function valueOffset({ key, value }: Pair): number {
  if (isScalar(value) && value.value === null && value.source === '') return startOf(key);
  return isMap(value) || isSeq(value)
    ? value.flow
      ? startOf(value)
      : startOf(key)
    : startOf(value);
}

function startOf(node: unknown): number {
  if (isPair(node)) return startOf(node.key);
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}
