import { BadValue } from './bad-value.ts';
import { checkCommand } from './check-command.ts';
import { type Secrets, secretKey } from './check-references.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, entriesOf, isMap, textAt } from './raw.ts';
import { parseShare } from './units.ts';
import { unknownName } from './unknown-name.ts';
import { checkWebhookSecret } from './webhook-secret.ts';

/** Rules of `scale` that the shape of one value cannot express. */
export function checkScale(file: unknown, secrets: Secrets): Finding[] {
  return entriesOf(at(file, 'scale')).flatMap(([name, hook]): Finding[] => {
    if (!isMap(hook)) return []; // The schema reports it.
    const path = ['scale', name];
    const steps = (['up', 'down'] as const).filter((step) => isMap(at(hook, step)));
    return [
      ...checkOneOf(hook, ['model', 'backend'], path),
      ...checkBackend(file, hook, path),
      ...(steps.length === 0
        ? [{ path, message: 'does nothing: it has neither up nor down' }]
        : []),
      ...steps.flatMap((step) => checkStep(at(hook, step), [...path, step], secrets)),
      ...checkGap(hook, path),
    ];
  });
}

function checkOneOf(map: unknown, keys: readonly [string, string], path: ValuePath): Finding[] {
  const written = keys.filter((key) => at(map, key) !== undefined);
  if (written.length === 1) return [];
  const message =
    written.length === 0
      ? `has neither ${keys[0]} nor ${keys[1]}`
      : `has both ${keys.join(' and ')}`;
  return [{ path, message, hint: 'write one of them' }];
}

/** A model may be one that a backend says it has, which nobody knows before it is asked. */
function checkBackend(file: unknown, hook: unknown, path: ValuePath): Finding[] {
  const backend = textAt(hook, 'backend');
  const known = entriesOf(at(file, 'backends')).map(([id]) => id);
  if (backend === undefined || known.includes(backend)) return [];
  return [unknownName('backend', backend, [...path, 'backend'], known)];
}

function checkStep(step: unknown, path: ValuePath, secrets: Secrets): Finding[] {
  const findings = [
    ...checkOneOf(step, ['command', 'webhook'], path),
    ...checkCommand(at(step, 'command'), [...path, 'command']),
  ];
  if (at(step, 'waiting') === undefined && at(step, 'utilisation') === undefined) {
    const hint = 'write waiting, utilisation or both';
    findings.push({ path, message: 'has no bound', hint });
  }
  const secretPath = [...path, 'webhook', 'secret'];
  const secret = secrets.get(secretKey(secretPath));
  if (secret === undefined) return findings;
  try {
    checkWebhookSecret(secret);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    findings.push({ path: secretPath, message: error.message });
  }
  return findings;
}

/** Bounds that meet would ask for more and for less in turns. */
function checkGap(hook: unknown, path: ValuePath): Finding[] {
  const [up, down] = [at(hook, 'up'), at(hook, 'down')];
  return (['waiting', 'utilisation'] as const).flatMap((figure): Finding[] => {
    const [over, under] = [numberAt(up, figure), numberAt(down, figure)];
    if (over === undefined || under === undefined || under < over) return [];
    const message = `must be below ${figure} of up`;
    return [{ path: [...path, 'down', figure], message }];
  });
}

function numberAt(step: unknown, figure: 'waiting' | 'utilisation'): number | undefined {
  const value = at(step, figure);
  if (typeof value === 'number') return value;
  try {
    return typeof value === 'string' ? parseShare(value) : undefined;
  } catch (error) {
    if (error instanceof BadValue) return undefined; // The schema reports it.
    throw error;
  }
}
