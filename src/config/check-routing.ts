import { BadValue } from './bad-value.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, entriesOf, isMap, itemsOf, textAt } from './raw.ts';
import { duplicates } from './repeated.ts';
import { parseShare } from './units.ts';
import { unknownName } from './unknown-name.ts';

/** Rules of `rules`, `split` and `session` of models that the shape of one value cannot express. */
export function checkRouting(file: unknown): Finding[] {
  const labels = [
    ...new Set(
      entriesOf(at(file, 'backends')).flatMap(([, backend]) => itemsOf(at(backend, 'labels'))),
    ),
  ].filter((label) => typeof label === 'string');
  return entriesOf(at(file, 'models')).flatMap(([name, model]) => [
    ...checkRules(itemsOf(at(model, 'rules')), ['models', name, 'rules'], labels),
    ...checkSplit(at(model, 'split'), ['models', name, 'split']),
    ...duplicates(at(model, 'session'), ['models', name, 'session']),
  ]);
}

function checkRules(
  rules: readonly unknown[],
  path: ValuePath,
  labels: readonly string[],
): Finding[] {
  const findings: Finding[] = [];
  const conditions = new Map<string, number>();
  let last: number | undefined;
  for (const [index, rule] of rules.entries()) {
    if (!isMap(rule)) continue; // The schema reports it.
    const rulePath = [...path, index];
    if (last !== undefined) {
      const message = `never reached: rules[${last}] has no condition, so it always decides`;
      findings.push({ path: rulePath, message });
      continue;
    }
    const when = at(rule, 'when');
    if (when === undefined || (isMap(when) && Object.keys(when).length === 0)) last = index;
    const condition = JSON.stringify(when);
    const twin = conditions.get(condition);
    conditions.set(condition, index);
    if (twin !== undefined) {
      findings.push({ path: rulePath, message: `never reached: rules[${twin}] asks for the same` });
    }
    if (!Object.hasOwn(rule, 'targets') && !Object.hasOwn(rule, 'labels')) {
      const message = 'changes nothing';
      findings.push({ path: rulePath, message, hint: 'add targets or labels' });
    }
    findings.push(...checkCondition(when, [...rulePath, 'when']));
    findings.push(...checkLabels(at(rule, 'labels'), [...rulePath, 'labels'], labels));
  }
  return findings;
}

/** Headers that say who is asking: their values are secrets. */
const CREDENTIALS = /^(proxy-)?authorization$|^cookie$|^(x-|x-goog-)?api-key$/;

function checkCondition(when: unknown, path: ValuePath): Finding[] {
  const findings: Finding[] = [];
  for (const [name] of entriesOf(at(when, 'header'))) {
    const headerPath = [...path, 'header', name];
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(lower)) {
      findings.push({ path: headerPath, at: 'key', message: 'not a header name' });
    } else if (CREDENTIALS.test(lower)) {
      const message = 'a credential is no condition';
      findings.push({
        path: headerPath,
        at: 'key',
        message,
        hint: 'use key, user, team or tenant',
      });
    }
  }
  for (const list of ['key', 'user', 'team', 'tenant', 'endpoint', 'weekdays']) {
    findings.push(...duplicates(at(when, list), [...path, list]));
  }
  return findings;
}

function checkLabels(written: unknown, path: ValuePath, known: readonly string[]): Finding[] {
  const findings = duplicates(written, path);
  for (const [index, label] of itemsOf(written).entries()) {
    if (typeof label !== 'string' || label === '' || known.includes(label)) continue;
    findings.push(unknownName('label', label, [...path, index], known));
  }
  return findings;
}

function checkSplit(split: unknown, path: ValuePath): Finding[] {
  const findings: Finding[] = [];
  let sum = 0;
  for (const [name, variant] of entriesOf(split)) {
    const variantPath = [...path, name];
    if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
      const message = 'a name has letters, digits, ".", "_" and "-", at most 64 of them';
      findings.push({ path: variantPath, at: 'key', message });
    }
    sum += shareOf(textAt(variant, 'share'));
    // Shares have decimals, and their sum may be off by the last bit of a float.
    if (sum <= 1 + 1e-9) continue;
    const message = `the shares add up to ${Math.round(sum * 10_000) / 100}%, and 100% is all there is`;
    findings.push({ path: [...variantPath, 'share'], message });
    break;
  }
  return findings;
}

function shareOf(text: string | undefined): number {
  try {
    return text === undefined ? 0 : parseShare(text);
  } catch (error) {
    if (error instanceof BadValue) return 0; // The schema reports it.
    throw error;
  }
}
