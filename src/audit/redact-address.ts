import { isAlphanumeric, isDigit, isForeignLetter, isLetter } from './redact-character.ts';
import type { FindSpans, RedactionSpan } from './redact-span.ts';

// Mail addresses are found from their `@` outwards, URLs from their `://`: signs that are rare, so
// that ordinary text costs one native search. What is looked at around a sign ends at the next
// one or after a bounded number of characters, so no text is read twice for long.

/** RFC 5321 §4.5.3.1: the longest local part and the longest domain. */
const LOCAL_MAX = 64;
const DOMAIN_MAX = 255;

/** Mail addresses, also with the `@` of a query string (`%40`), also in other alphabets. */
export const findEmails: FindSpans = (text, found) => {
  // What stands between a password and a host is no address.
  const taken = new Set(found.map(({ end }) => end));
  for (const sign of ['@', '%40']) {
    let at = text.indexOf(sign);
    while (at !== -1) {
      const start = taken.has(at) ? at : localStart(text, at);
      const end = start < at ? domainEnd(text, at + sign.length) : at;
      if (end > at) found.push({ start, end, label: 'EMAIL' });
      at = text.indexOf(sign, Math.max(end, at + sign.length));
    }
  }
};

/** Where the local part that ends at `end` begins; `end` itself when there is none. */
function localStart(text: string, end: number): number {
  const foreign = isForeignLetter(text.charCodeAt(end - 1));
  const lowest = Math.max(0, end - LOCAL_MAX);
  let start = end;
  while (start > lowest && isLocalUnit(text.charCodeAt(start - 1), foreign)) start -= 1;
  while (start < end && !isWord(text.charCodeAt(start), foreign)) start += 1;
  return start;
}

/** Letters, digits and `.!#$&'*+-_~`: not what quotes, brackets and assigns around addresses. */
function isLocalUnit(unit: number, foreign: boolean): boolean {
  return isWord(unit, foreign) || LOCAL_SIGNS.has(unit);
}

const LOCAL_SIGNS = new Set(Array.from(".!#$&'*+-_~", (sign) => sign.charCodeAt(0)));

/**
 * Chinese, Thai and others write no spaces around an address, so their letters belong to it only
 * where `foreign` says that it is written in them. Those up to U+0DFF belong to words like ASCII.
 */
function isWord(unit: number, foreign: boolean): boolean {
  return isAlphanumeric(unit) || ((foreign || unit < 0x0e00) && isForeignLetter(unit));
}

/** Where a domain that begins at `start` ends; 0 when there is none with a dot in it. */
function domainEnd(text: string, start: number): number {
  const foreign = isForeignLetter(text.charCodeAt(start));
  const highest = Math.min(text.length, start + DOMAIN_MAX);
  let end = start;
  let wholeEnd = 0;
  let labelStart = start;
  for (; end <= highest; end += 1) {
    const unit = text.charCodeAt(end);
    if (isWord(unit, foreign) || (unit === 0x2d && end > labelStart)) continue;
    if (labelStart > start && end - labelStart >= 2 && !isDigit(text.charCodeAt(labelStart))) {
      wholeEnd = end;
    }
    if (unit !== 0x2e || end === labelStart) break;
    labelStart = end + 1;
  }
  return wholeEnd;
}

/** User name and password before the host of a URL: https://ada:secret@example.com. */
export const findUrlCredentials: FindSpans = (text, found) => {
  let at = text.indexOf('://');
  while (at !== -1) {
    const start = at + 3;
    if (isLetter(text.charCodeAt(at - 1)) || isDigit(text.charCodeAt(at - 1))) {
      addUserInfo(text, start, found);
    }
    at = text.indexOf('://', start);
  }
};

const USER_INFO_MAX = 512;
const USER_INFO_STOPS = new Set(Array.from('/?#\\"\'<>`', (sign) => sign.charCodeAt(0)));

function addUserInfo(text: string, start: number, found: RedactionSpan[]): void {
  const highest = Math.min(text.length, start + USER_INFO_MAX);
  let end = 0;
  for (let at = start; at < highest; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit <= 0x20 || USER_INFO_STOPS.has(unit)) break;
    // A password may hold an `@`; the host never does, so the last one counts.
    if (unit === 0x40) end = at;
  }
  if (end > start) found.push({ start, end, label: 'CREDENTIALS' });
}
