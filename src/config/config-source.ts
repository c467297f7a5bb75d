import { LineCounter, parseDocument } from 'yaml';
import { type Finding, renderPath } from './finding.ts';
import { createLocate } from './locate.ts';
import type { Problem } from './problem.ts';
import { maskSecrets } from './secret-mask.ts';
import { findYamlFaults } from './yaml-faults.ts';

/**
 * The YAML text of a configuration: its plain value, its syntax problems, and where every value
 * stands. When `syntaxProblems` is not empty, `value` is undefined.
 */
export interface ConfigSource {
  readonly value: unknown;
  readonly syntaxProblems: readonly Problem[];
  /** The text with everything that looks like a secret struck out. Same lines, same columns. */
  maskedText(): string;
  locate(finding: Finding): Problem;
}

/** How often a value may be reached through aliases of aliases. A bomb reaches it billions of times. */
const MOST_RESOLVED = 10_000;

export function parseConfigSource(text: string): ConfigSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The library compares every pair of keys; our own search for faults needs one pass.
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: 'error',
  });
  const problemAt = (offset: number, path: string, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1), path, message };
  };
  const { faults, isTreeUsable } = findYamlFaults(document, text);
  const syntaxProblems = faults.map(({ offset, message }) => problemAt(offset, '', message));
  let value: unknown;
  if (syntaxProblems.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: MOST_RESOLVED });
    } catch {
      // Faults that the library throws for were found above; what is left is the one it counts.
      const message = 'its aliases multiply into too many values; write them out';
      syntaxProblems.push(problemAt(0, '', message));
    }
  }
  const offsetOf = createLocate(document);
  return {
    value,
    syntaxProblems,
    maskedText: () => maskSecrets(text, isTreeUsable ? document : null),
    locate(finding) {
      const { message, hint, path } = finding;
      const problem = problemAt(offsetOf(finding), renderPath(path), message);
      return hint === undefined ? problem : { ...problem, hint };
    },
  };
}
