import { BadValue } from './bad-value.ts';
import type { Finding, ValuePath } from './finding.ts';
import { isMap } from './raw.ts';
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
  const follow = (path: ValuePath, text: string) => {
    try {
      secrets.set(secretKey(path), resolveSecrets(text, places));
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      findings.push({ path, message: error.message });
    }
  };
  for (const { path, text } of textsOf(file, [])) {
    const [section, , key] = path;
    const isApiKey = section === 'backends' && key === 'api_key' && path.length === 3;
    const isHeader = section === 'backends' && key === 'headers' && path.length === 4;
    if (isHeader || (isApiKey && isReference(text))) {
      follow(path, text);
    } else if (hasReference(text) && !isApiKey) {
      // A key that is only partly a reference is reported as the inline key that it is.
      const message = 'a ${…} reference works only in api_key and in header values';
      findings.push({ path, message });
    }
  }
  return { secrets, findings };
}

function* textsOf(value: unknown, path: ValuePath): Generator<{ path: ValuePath; text: string }> {
  if (typeof value === 'string') yield { path, text: value };
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* textsOf(item, [...path, index]);
  } else if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) yield* textsOf(item, [...path, key]);
  }
}
