import type { Finding, ValuePath } from './finding.ts';
import { at, entriesOf, isMap, itemsOf, numberAt, textAt } from './raw.ts';
import { shadowTarget, targetPlaces } from './target-places.ts';
import { unknownName } from './unknown-name.ts';

/** Rules of `models` that the shape of one value cannot express. */
export function checkModels(file: unknown): Finding[] {
  const models = entriesOf(at(file, 'models'));
  const backendIds = entriesOf(at(file, 'backends')).map(([id]) => id);
  return [
    ...models.flatMap(([name]) => checkName(name, ['models', name], 'key')),
    ...models.flatMap(([name, model]) => checkPlaces(name, model, backendIds)),
    ...checkAliases(models),
    ...models.flatMap(([name, model]) => checkTokens(name, model)),
  ];
}

/** Names travel in headers and in comma lists of commands; `*` is the wildcard of patterns. */
function checkName(name: string, path: ValuePath, place?: 'key'): Finding[] {
  if (/^[\x21-\x7e]{1,200}$/.test(name) && !/[*,]/.test(name)) return [];
  const message = 'a model name is at most 200 visible ASCII characters without "*" and ","';
  return [{ path, message, ...(place && { at: place }) }];
}

function checkPlaces(name: string, model: unknown, backendIds: readonly string[]): Finding[] {
  const shadow = shadowTarget(name, model);
  return [
    ...targetPlaces(name, model).flatMap(({ path, targets, isEmpty }) =>
      isEmpty
        ? [{ path, message: 'at least one target is needed', hint: 'write targets: [BACKEND]' }]
        : checkTargets(name, targets, path, backendIds),
    ),
    ...(shadow === undefined ? [] : checkTarget(shadow.target, shadow.path, backendIds)),
  ];
}

function checkTargets(
  name: string,
  targets: readonly unknown[],
  path: ValuePath,
  backendIds: readonly string[],
): Finding[] {
  const seen = new Set<string>();
  return targets.flatMap((target, index) => {
    const targetPath = [...path, index];
    const findings = checkTarget(target, targetPath, backendIds);
    const id = backendOf(target);
    const route = JSON.stringify([id, textAt(target, 'model') ?? name]);
    if (id !== undefined && seen.has(route)) {
      findings.push({ path: targetPath, message: 'this target is listed twice' });
    }
    seen.add(route);
    return findings;
  });
}

function checkTarget(target: unknown, path: ValuePath, backendIds: readonly string[]): Finding[] {
  const id = backendOf(target);
  if (id === undefined || backendIds.includes(id)) return [];
  return [unknownName('backend', id, isMap(target) ? [...path, 'backend'] : path, backendIds)];
}

/** undefined for what the schema reports. */
function backendOf(target: unknown): string | undefined {
  const id = typeof target === 'string' ? target : textAt(target, 'backend');
  return id === '' ? undefined : id;
}

function checkAliases(models: readonly [string, unknown][]): Finding[] {
  const findings: Finding[] = [];
  const owners = new Map(models.map(([name]) => [name, `the name of a model`]));
  for (const [name, model] of models) {
    for (const [index, alias] of itemsOf(at(model, 'aliases')).entries()) {
      if (typeof alias !== 'string' || alias === '') continue; // The schema reports it.
      const path = ['models', name, 'aliases', index];
      findings.push(...checkName(alias, path));
      const owner = owners.get(alias);
      if (owner !== undefined) {
        findings.push({ path, message: `${JSON.stringify(alias)} is already ${owner}` });
      }
      owners.set(alias, owner ?? `an alias of ${JSON.stringify(name)}`);
    }
  }
  return findings;
}

function checkTokens(name: string, model: unknown): Finding[] {
  const context = numberAt(model, 'context_tokens');
  const output = numberAt(model, 'max_output_tokens');
  if (context === undefined || output === undefined || output <= context) return [];
  const message = 'must not be larger than context_tokens';
  return [{ path: ['models', name, 'max_output_tokens'], message }];
}
