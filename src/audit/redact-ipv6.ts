import { isIPv6 } from 'node:net';
import { isAlphanumeric } from './redact-character.ts';
import type { FindSpans } from './redact-span.ts';

const LONGEST = 45;

/** A run of hexadecimal groups and colons; each run is looked at from its first character only. */
const RUN = /(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]+(?:\.\d{1,3}){0,3}/g;

/** IPv6 addresses with at least one digit: `dead::beef` is as likely a name in a program. */
export const findIpv6: FindSpans = (text, found) => {
  if (!text.includes(':')) return;
  for (const match of text.matchAll(RUN)) {
    const start = match.index;
    let end = start + match[0].length;
    if (end - start > LONGEST || isAlphanumeric(text.charCodeAt(end))) continue;
    // The colon of a sentence behind it.
    if (text[end - 1] === ':' && text[end - 2] !== ':') end -= 1;
    const address = text.slice(start, end);
    if (/\d/.test(address) && isIPv6(address)) found.push({ start, end, label: 'IP' });
  }
};
