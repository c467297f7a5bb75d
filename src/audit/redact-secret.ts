import { isAlphanumeric, isDigit, isLetter, isTokenUnit } from './redact-character.ts';
import type { FindSpans } from './redact-span.ts';

/** How the keys of widely used services begin, each with what may follow in the same token. */
const PREFIX =
  /(?<![A-Za-z0-9])(?:sk-|[srpw]k_(?:live|test)_|whsec_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|hf_|gsk_|xai-|nvapi-|npm_|pypi-|dop_v1_|r8_|pplx-|AIza|ya29\.|SG\.|AKIA|ASIA|eyJ)/g;

/** Random tokens are longer than words and hold digits: `sk-learn-contrib-packages` is none. */
const SECRET_MIN = 16;

/** API keys and JSON Web Tokens by their shapes, and whatever follows `Bearer` or `Basic`. */
export const findSecrets: FindSpans = (text, found) => {
  PREFIX.lastIndex = 0;
  for (let match = PREFIX.exec(text); match !== null; match = PREFIX.exec(text)) {
    const [prefix] = match;
    const start = match.index;
    const dotted = prefix === 'eyJ' || prefix.endsWith('.');
    const end = tokenEnd(text, start + prefix.length, dotted);
    if (isSecret(text, { prefix, start, end })) found.push({ start, end, label: 'SECRET' });
    // A token that is none holds no other that begins inside it: going on behind it keeps this
    // linear for text that repeats a prefix.
    PREFIX.lastIndex = end;
  }
  for (const match of text.matchAll(AUTHORIZATION)) {
    const token = match[1] ?? '';
    const end = match.index + match[0].length;
    if (hasDigit(token)) found.push({ start: end - token.length, end, label: 'SECRET' });
  }
};

const AUTHORIZATION = /(?<![A-Za-z0-9])(?:Bearer|Basic)[ \t]{1,8}([A-Za-z0-9._~+/=-]{16,})/gi;

interface Token {
  readonly prefix: string;
  readonly start: number;
  readonly end: number;
}

function isSecret(text: string, { prefix, start, end }: Token): boolean {
  const rest = text.slice(start + prefix.length, end);
  switch (prefix) {
    case 'AKIA':
    case 'ASIA':
      return /^[A-Z0-9]{16}$/.test(rest);
    case 'eyJ':
      // Cut off by the end of the text it cannot show its dots.
      return rest.length >= SECRET_MIN && (rest.split('.').length >= 3 || end === text.length);
    default:
      return rest.length >= SECRET_MIN && hasDigit(rest) && hasLetter(rest);
  }
}

function tokenEnd(text: string, from: number, dotted: boolean): number {
  let end = from;
  while (end < text.length) {
    const unit = text.charCodeAt(end);
    if (!(isTokenUnit(unit) || (dotted && unit === 0x2e))) break;
    end += 1;
  }
  // The full stop of a sentence is no part of the token before it.
  while (end > from && text.charCodeAt(end - 1) === 0x2e) end -= 1;
  return end;
}

function hasDigit(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (isDigit(text.charCodeAt(at))) return true;
  return false;
}

function hasLetter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (isLetter(text.charCodeAt(at))) return true;
  return false;
}

const PEM_BEGIN = '-----BEGIN ';
const PEM_END = '-----END ';
const PEM_PRIVATE = /^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

/** Private keys in PEM. One whose end is missing is covered up to the end of the text. */
export const findPrivateKeys: FindSpans = (text, found) => {
  let start = text.indexOf(PEM_BEGIN);
  while (start !== -1) {
    let next = start + PEM_BEGIN.length;
    if (PEM_PRIVATE.test(text.slice(start, start + 80))) {
      const close = text.indexOf(PEM_END, next);
      next = close === -1 ? text.length : pemLineEnd(text, close + PEM_END.length);
      found.push({ start, end: next, label: 'PRIVATE_KEY' });
    }
    start = text.indexOf(PEM_BEGIN, next);
  }
};

function pemLineEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && (isAlphanumeric(text.charCodeAt(end)) || text[end] === ' ')) end += 1;
  while (end < text.length && text[end] === '-') end += 1;
  return end;
}
