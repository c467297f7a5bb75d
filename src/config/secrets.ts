import { BadValue } from './bad-value.ts';
import { readSecretFile } from './secret-file.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** Where references lead: the environment, and the folder that relative files start from. */
export interface SecretPlaces {
  readonly env: Env;
  readonly folder: string;
}

const REFERENCE = /\$\{([^}]*)\}/g;

/** True when the text has a `${…}` in it, whatever it says. */
export function hasReference(text: string): boolean {
  return text.includes('${');
}

/** True when the text is one `${…}` and nothing else. */
export function isReference(text: string): boolean {
  return /^\$\{[^}]*\}$/.test(text);
}

/**
 * The text with every `${env:NAME}` and `${file:/path}` replaced by what it names. Throws BadValue,
 * whose message has names and paths but nothing of a value.
 */
export function resolveSecrets(
  text: string,
  places: SecretPlaces,
  form: 'line' | 'lines' = 'line',
): string {
  const resolved = text.replaceAll(REFERENCE, (_, reference: string) =>
    resolveReference(reference, places),
  );
  if (text.replaceAll(REFERENCE, '').includes('${')) {
    throw new BadValue('a reference is not closed; write ${env:NAME} or ${file:/path}');
  }
  // These would end the header that the secret is sent in, or be refused by the HTTP client.
  if (form === 'line' && /[^\x20-\x7e\x80-\xff\t]/.test(resolved)) {
    throw new BadValue('the value has a line break or a character that no header can carry');
  }
  return resolved;
}

function resolveReference(reference: string, { env, folder }: SecretPlaces): string {
  const colon = reference.indexOf(':');
  const name = reference.slice(colon + 1);
  switch (reference.slice(0, Math.max(colon, 0))) {
    case 'env': {
      if (!/^[A-Za-z_]\w*$/.test(name))
        throw new BadValue('write ${env:NAME} with a name like API_KEY');
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (value === undefined) throw new BadValue(`the environment variable ${name} is not set`);
      if (value.trim() === '') throw new BadValue(`the environment variable ${name} is empty`);
      return value.trim();
    }
    case 'file':
      return readSecretFile(name, folder);
    default:
      throw new BadValue('unknown kind of reference; write ${env:NAME} or ${file:/path}');
  }
}
