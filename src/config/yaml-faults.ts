import { type Document, isMap, isPair, isScalar, isSeq, visit } from 'yaml';
import { startOf } from './locate.ts';
import { explainSyntax } from './syntax-message.ts';

/** Something wrong with a text as YAML, before anybody looks at what it says. */
export interface YamlFault {
  readonly offset: number;
  readonly message: string;
}

interface YamlFaults {
  readonly faults: YamlFault[];
  /** False when the tree is so large in some way that walking it is dangerous. */
  readonly isTreeUsable: boolean;
}

/** Far above any honest file. Each costs a walk over the tree. */
const MOST_ALIASES = 100;
/** The schema needs six. Walking thousands would end the stack. */
const DEEPEST = 64;
/** Nobody repairs more at a time, and each costs a walk over the tree. */
const MOST_ERRORS = 50;

/** Errors of the grammar, and mistakes that it allows but a configuration cannot mean. */
export function findYamlFaults(document: Document, text: string): YamlFaults {
  const tooDeep = findTooDeep(document.contents);
  if (tooDeep !== undefined) {
    const message = `more than ${DEEPEST} maps and lists inside each other`;
    return { faults: [{ offset: tooDeep, message }], isTreeUsable: false };
  }
  const errors = [...document.errors, ...document.warnings].slice(0, MOST_ERRORS);
  if (errors.length === 0) return { faults: findTreeFaults(document), isTreeUsable: true };
  const faults = errors.map((error) => explainSyntax(error, text, document));
  return { faults: withoutStumbles(faults, text), isTreeUsable: true };
}

/** Where something begins that is nested too deeply. Goes no deeper than that itself. */
function findTooDeep(node: unknown, depth = 0): number | undefined {
  if (isPair(node)) return findTooDeep(node.value, depth) ?? findTooDeep(node.key, depth);
  if (!isMap(node) && !isSeq(node)) return undefined;
  if (depth === DEEPEST) return startOf(node);
  for (const item of node.items) {
    const found = findTooDeep(item, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One slip makes the parser stumble several times; the first stumble of a line is the slip. */
function withoutStumbles(faults: readonly YamlFault[], text: string): YamlFault[] {
  const lines = new Set<number>();
  return faults.filter(({ offset }) => {
    const line = text.lastIndexOf('\n', offset - 1);
    return lines.size < lines.add(line).size;
  });
}

function findTreeFaults(document: Document): YamlFault[] {
  const faults: YamlFault[] = [];
  let aliases = 0;
  visit(document, {
    Alias(_, alias, ancestors) {
      const offset = startOf(alias);
      aliases += 1;
      if (aliases > MOST_ALIASES) {
        faults.push({ offset, message: `more than ${MOST_ALIASES} aliases; write the values out` });
        return visit.BREAK;
      }
      const target = alias.resolve(document);
      if (target === undefined) {
        faults.push({ offset, message: 'there is no anchor of this name above' });
      } else if (ancestors.includes(target)) {
        faults.push({ offset, message: 'this alias contains itself' });
      }
      return undefined;
    },
    Map(_, map) {
      const names = new Set<string>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? String(key.value) : '';
        if (name === '__proto__') {
          faults.push({ offset: startOf(key), message: 'this name cannot be used' });
        } else if (names.has(name)) {
          const message = `the key ${JSON.stringify(name)} is repeated`;
          faults.push({ offset: startOf(key), message });
        }
        names.add(name);
      }
    },
  });
  return faults;
}
