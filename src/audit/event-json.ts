// What changed is recorded before and after, and a secret among it would stay in the chain for good.
// So nothing is trusted to be clean: fields are struck out by their name, texts by their look, bytes
// always.

export const MASK = '[secret]';

/** Longer texts are cut: an event tells what changed, it does not carry documents. */
const TEXT_MAX_CHARS = 4_096;

/** A larger value is replaced by its size and hash. */
const JSON_MAX_CHARS = 64 * 1024;

const DEPTH_MAX = 16;

/**
 * A value as the JSON text of an event, without secrets; null for nothing. Takes what JSON takes,
 * and bytes and bigints; everything else is left out.
 */
export function toAuditJson(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = JSON.stringify(clean(value, '', 0));
  if (text === undefined) return null;
  if (text.length <= JSON_MAX_CHARS) return text;
  const sha256 = Bun.SHA256.hash(text, 'hex');
  return JSON.stringify({ too_long: true, characters: text.length, sha256 });
}

/** A text in which everything that looks like a secret is struck out. */
export function maskSecrets(text: string): string {
  let masked = text.toWellFormed();
  for (const [look, instead] of LOOKALIKES) masked = masked.replace(look, instead);
  if (masked.length <= TEXT_MAX_CHARS) return masked;
  return `${masked.slice(0, TEXT_MAX_CHARS).toWellFormed()}…`;
}

function clean(value: unknown, name: string, depth: number): unknown {
  const how = secrecyOf(name);
  switch (typeof value) {
    case 'string':
      return how === 'open' || isPlain(value) ? maskSecrets(value) : MASK;
    case 'bigint':
      return how === 'secret' ? MASK : String(value);
    case 'number':
      return how === 'secret' ? MASK : value;
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : cleanObject(value, name, depth);
    default:
      return undefined;
  }
}

function cleanObject(value: object, name: string, depth: number): unknown {
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= DEPTH_MAX) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => clean(item, name, depth + 1));
  // What is inside a secret is as secret as the whole, whatever it is called there.
  const outer = secrecyOf(name) === 'open' ? '' : `${name}_`;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [
      maskSecrets(field),
      clean(inner, `${outer}${field}`, depth + 1),
    ]),
  );
}

/**
 * What the name of a field says of its value. `counted`: texts are secret, numbers are amounts, as
 * in `token: 5` or `invalid_api_key: 3`.
 */
type Secrecy = 'open' | 'counted' | 'secret';

const SECRET_WORDS =
  /^(?:password|passwd|passphrase|pwd|secrets?|authorization|auth|cookies?|credentials?|digests?|pem|apikeys?|privatekey)$/;
const SECRET_KEYS =
  /(?:^|_)(?:api|access|private|signing|content|encryption|master|data|wrapping)_keys?(?:_|$)/;
const TOKEN = /(?:^|_)token(?!_(?:budgets?|window|limit|rate|count|usage|bucket)(?:_|$))(?:_|$)/;

export function secrecyOf(name: string): Secrecy {
  if (name === '') return 'open';
  const snake = name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '_');
  if (snake.split('_').some((word) => SECRET_WORDS.test(word))) return 'secret';
  return SECRET_KEYS.test(snake) || TOKEN.test(snake) ? 'counted' : 'open';
}

/** A time, and what the configuration writes in place of a secret, tell nothing. */
function isPlain(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(text) ||
    /^\$\{(?:env|file):[^}]*\}$/.test(text) ||
    text === ''
  );
}

const NAMED = '(?:api[_-]?key|password|passwd|passphrase|secret|token|authorization|cookie)';

/** Each with what takes its place; what gives a secret away is kept, so that a reader sees what went. */
const LOOKALIKES: readonly (readonly [look: RegExp, instead: string])[] = [
  [/-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g, MASK],
  // The id of a key is public, the rest of its text is not.
  [/\b(sk-lg-[\dA-Za-z]{12})-[\dA-Za-z]+/g, `$1-${MASK}`],
  [/\bsk-(?!lg-[\dA-Za-z]{12}(?![\dA-Za-z]))[\w-]{8,}/g, MASK],
  [/\b(Bearer)\s+(?!\$\{|\[secret\])[^\s"',;]+/gi, `$1 ${MASK}`],
  // A word in small letters is a word.
  [/\b([Bb]asic)\s+(?=\S*[\dA-Z=])[\w+/=-]{6,}/g, `$1 ${MASK}`],
  [/:\/\/[^\s/@"']+@/g, `://${MASK}@`],
  [/([?&][^=&\s]*(?:key|token|secret|sig|password|code)[^=&\s]*=)[^&\s#"']+/gi, `$1${MASK}`],
  [/\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g, MASK],
  [/\b(?:AKIA|ASIA)[\dA-Z]{16}\b/g, MASK],
  [
    /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|hf_|gsk_|xai-|nvapi-|npm_|pypi-|whsec_|AIza|ya29\.)[\w+/=.-]{8,}/g,
    MASK,
  ],
  [
    new RegExp(`(\\b${NAMED}["']?\\s*[:=]\\s*["']?)(?!\\$\\{|\\[secret\\])[^\\s"',;&]{3,}`, 'gi'),
    `$1${MASK}`,
  ],
];
