/** Keys have 57 characters; the rest leaves room for tokens of other kinds, not for a flood. */
const MAX_CREDENTIAL_LENGTH = 512;

/** Headers that carry a key bare, by the habits of Anthropic, Azure and Google clients. */
const BARE_HEADERS = ['x-api-key', 'api-key', 'x-goog-api-key'] as const;

/** Query parameters that clients of other vendors put a key in; compared in lower case. */
const KEY_PARAMETERS: ReadonlySet<string> = new Set([
  'key',
  'api_key',
  'apikey',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'access_token',
]);

const KEY_MARK = 'sk-lg-';

export type CredentialProblem = 'missing' | 'several' | 'malformed';
export type Credential = { readonly text: string } | { readonly problem: CredentialProblem };

/**
 * The one credential of a request, unchecked. A client may send the same key in several headers,
 * as some SDKs do; different ones are refused, because guessing would let a proxy in between
 * decide who is asking.
 */
export function readCredential(headers: Headers): Credential {
  let found: string | undefined;
  const authorization = headers.get('authorization');
  if (authorization !== null && authorization !== '') {
    const bearer = fromBearer(authorization);
    if ('problem' in bearer) return bearer;
    found = bearer.text;
  }
  for (const name of BARE_HEADERS) {
    const value = headers.get(name);
    if (value === null || value === '') continue;
    const bare = fromBare(value);
    if ('problem' in bare) return bare;
    if (found !== undefined && found !== bare.text) return { problem: 'several' };
    found = bare.text;
  }
  return found === undefined ? { problem: 'missing' } : { text: found };
}

/**
 * True when a URL of the data plane carries a credential, also in percent-encoding. Such requests
 * are refused and their URL is never logged: URLs end up in the logs of every hop.
 */
export function hasKeyInUrl(url: string): boolean {
  if (url.includes(KEY_MARK)) return true;
  const queryAt = url.indexOf('?');
  if (queryAt === -1 && !url.includes('%')) return false;
  if (decoded(url).includes(KEY_MARK)) return true;
  if (queryAt === -1) return false;
  for (const [name, value] of new URLSearchParams(url.slice(queryAt + 1))) {
    if (KEY_PARAMETERS.has(name.toLowerCase()) || value.includes(KEY_MARK)) return true;
  }
  return false;
}

function fromBearer(value: string): Credential {
  if (value.slice(0, 7).toLowerCase() !== 'bearer ') return { problem: 'malformed' };
  return fromBare(value.slice(7).trim());
}

function fromBare(value: string): Credential {
  if (value === '' || value.length > MAX_CREDENTIAL_LENGTH) return { problem: 'malformed' };
  // A header sent twice arrives joined by a comma, which no key contains.
  if (value.includes(',')) return { problem: 'several' };
  return { text: value };
}

/** Percent-decoding that leaves malformed sequences alone. */
function decoded(url: string): string {
  return url.replace(/%[2-7][0-9a-f]/gi, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
}
