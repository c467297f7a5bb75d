import { findNearest } from './did-you-mean.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, entriesOf, isMap, itemsOf, numberAt, textAt } from './raw.ts';
import { didYouMean } from './schema-findings.ts';

/** Rules of `models` that the shape of one value cannot express. */
export function checkModels(file: unknown): Finding[] {
  const models = entriesOf(at(file, 'models'));
  const backendIds = entriesOf(at(file, 'backends')).map(([id]) => id);
  return [
    ...models.flatMap(([name]) => checkName(name, ['models', name], 'key')),
    ...models.flatMap(([name, model]) => checkTargets(name, model, backendIds)),
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

function checkTargets(name: string, model: unknown, backendIds: readonly string[]): Finding[] {
  const targets = at(model, 'targets');
  if (Array.isArray(targets) && targets.length === 0) {
    const hint = 'write targets: [BACKEND]';
    return [{ path: ['models', name, 'targets'], message: 'a model needs a target', hint }];
  }
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const [index, target] of itemsOf(targets).entries()) {
    const path = ['models', name, 'targets', index];
    const id = typeof target === 'string' ? target : textAt(target, 'backend');
    if (id === undefined || id === '') continue; // The schema reports it.
    if (!backendIds.includes(id)) {
      findings.push(unknownBackend(id, isMap(target) ? [...path, 'backend'] : path, backendIds));
    }
    const route = JSON.stringify([id, textAt(target, 'model') ?? name]);
    if (seen.has(route)) findings.push({ path, message: 'this target is listed twice' });
    seen.add(route);
  }
  return findings;
}

function unknownBackend(id: string, path: ValuePath, backendIds: readonly string[]): Finding {
  const message = `unknown backend ${JSON.stringify(id)}`;
  const nearest = findNearest(id, backendIds);
  if (nearest !== undefined) return { path, message, hint: didYouMean(nearest) };
  if (backendIds.length === 0 || backendIds.length > 12) return { path, message };
  return { path, message, hint: `known here: ${backendIds.join(', ')}` };
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
