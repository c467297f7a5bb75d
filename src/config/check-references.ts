import { BadValue } from './bad-value.ts';
import type { Finding, ValuePath } from './finding.ts';
import { isMap } from './raw.ts';
import { findSecretPlace } from './secret-places.ts';
import { hasReference, isReference, resolveSecrets, type SecretPlaces } from './secrets.ts';

const NO_PLACE = 'a ${…} reference works only where a secret belongs, as in api_key and headers';
export const REFERENCE_HINT = 'write ${env:NAME} or ${file:/path}';

/** Every secret that the file refers to, by the path of the value that refers to it. */
export type Secrets = ReadonlyMap<string, string>;

/** The key of a path in `Secrets`. */
export function secretKey(path: ValuePath): string {
  return JSON.stringify(path);
}

/** A secret of a file that has been checked, so it is there. */
export function getSecret(secrets: Secrets, path: ValuePath): string {
  return secrets.get(secretKey(path)) ?? '';
}

/** Follows all references, and reports those that lead nowhere or stand where none may. */
export function checkReferences(
  file: unknown,
  places: SecretPlaces,
): { secrets: Secrets; findings: Finding[] } {
  const secrets = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { path, text } of textsOf(file, [])) {
    const place = findSecretPlace(path);
    if (place === undefined) {
      if (hasReference(text)) findings.push({ path, message: NO_PLACE });
    } else if (place.isWhole && !isReference(text)) {
      findings.push({ path, message: 'no secrets in this file', hint: REFERENCE_HINT });
    } else {
      try {
        secrets.set(secretKey(path), resolveSecrets(text, places, place.form));
      } catch (error) {
        if (!(error instanceof BadValue)) throw error;
        findings.push({ path, message: error.message });
      }
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
