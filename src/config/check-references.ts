import { BadValue } from './bad-value.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, entriesOf, isMap } from './raw.ts';
import { hasReference, isReference, resolveSecrets, type SecretPlaces } from './secrets.ts';

/** Every secret that the file refers to, by the path of the value that refers to it. */
export type Secrets = ReadonlyMap<string, string>;

/** The key of a path in `Secrets`. */
export function secretKey(path: ValuePath): string {
  return JSON.stringify(path);
}

/** Follows all references, and reports those that lead nowhere or stand where none may. */
export function checkReferences(
  file: unknown,
  places: SecretPlaces,
): { secrets: Secrets; findings: Finding[] } {
  const secrets = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { path, text } of secretTexts(file)) {
    try {
      secrets.set(secretKey(path), resolveSecrets(text, places));
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      findings.push({ path, message: error.message });
    }
  }
  const known = new Set([...secretTexts(file)].map(({ path }) => secretKey(path)));
  for (const { path, text } of textsOf(file, [])) {
    if (!hasReference(text) || known.has(secretKey(path))) continue;
    findings.push({ path, message: 'a ${…} reference works only in api_key and in header values' });
  }
  return { secrets, findings };
}

function* secretTexts(file: unknown): Generator<{ path: ValuePath; text: string }> {
  for (const [id, backend] of entriesOf(at(file, 'backends'))) {
    const apiKey = at(backend, 'api_key');
    // An inline key is reported elsewhere; a half reference is reported as the inline key it is.
    if (typeof apiKey === 'string' && isReference(apiKey)) {
      yield { path: ['backends', id, 'api_key'], text: apiKey };
    }
    for (const [name, value] of entriesOf(at(backend, 'headers'))) {
      if (typeof value === 'string') yield { path: ['backends', id, 'headers', name], text: value };
    }
  }
}

function* textsOf(value: unknown, path: ValuePath): Generator<{ path: ValuePath; text: string }> {
  if (typeof value === 'string') yield { path, text: value };
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* textsOf(item, [...path, index]);
  } else if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) yield* textsOf(item, [...path, key]);
  }
}
