import type { Finding } from './finding.ts';
import { at, isMap, itemsOf } from './raw.ts';
import { repeated } from './repeated.ts';

const MEASURES = ['requests', 'tokens', 'concurrent'];

/** Rules of `limits` that the shape of one value cannot express. */
export function checkLimits(file: unknown): Finding[] {
  return [
    ...itemsOf(at(file, 'limits')).flatMap((limit, index) => checkLimit(limit, index)),
    ...repeated(file, 'limits', ['per', 'model', 'endpoint', ...MEASURES]),
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
