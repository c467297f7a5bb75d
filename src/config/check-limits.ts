import type { Finding } from './finding.ts';
import { at, isMap, itemsOf } from './raw.ts';

const MEASURES = ['requests', 'tokens', 'concurrent'];

/** Rules of `limits` and `budgets` that the shape of one value cannot express. */
export function checkLimits(file: unknown): Finding[] {
  return [
    ...itemsOf(at(file, 'limits')).flatMap((limit, index) => checkLimit(limit, index)),
    ...repeated(file, 'limits', ['per', 'model', 'endpoint', ...MEASURES]),
    ...repeated(file, 'budgets', ['per', 'window']),
  ];
}

function checkLimit(limit: unknown, index: number): Finding[] {
  if (!isMap(limit)) return [];
  const path = ['limits', index];
  const written = MEASURES.filter((measure) => Object.hasOwn(limit, measure));
  const [first, second] = written;
  if (first === undefined) {
    const hint = 'add requests, tokens or concurrent';
    return [{ path, message: 'limits nothing', hint }];
  }
  const findings: Finding[] = [];
  if (second !== undefined) {
    const message = `one limit has one measure, and ${first} is here already`;
    const hint = 'write a second limit';
    findings.push({ path: [...path, second], at: 'key', message, hint });
  }
  if (first === 'concurrent' && second === undefined && Object.hasOwn(limit, 'burst')) {
    const message = 'burst belongs to a rate of requests or tokens, not to concurrent';
    findings.push({ path: [...path, 'burst'], at: 'key', message });
  }
  return findings;
}

/** Entries that count the same thing: the second is a slip, or the first was meant to be replaced. */
function repeated(file: unknown, list: 'limits' | 'budgets', keys: readonly string[]): Finding[] {
  const firsts = new Map<string, number>();
  const findings: Finding[] = [];
  for (const [index, entry] of itemsOf(at(file, list)).entries()) {
    if (!isMap(entry)) continue;
    const identity = JSON.stringify(keys.map((key) => [key, at(entry, key)]));
    const first = firsts.get(identity);
    firsts.set(identity, first ?? index);
    if (first === undefined) continue;
    findings.push({ path: [list, index], message: `the same as ${list}[${first}]` });
  }
  return findings;
}
