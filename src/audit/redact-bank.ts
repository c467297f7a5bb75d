import { isAlphanumeric } from './redact-character.ts';
import type { FindSpans } from './redact-span.ts';

/** Length of an IBAN by country, where accounts are written with spaces: SWIFT's registry. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE',
    18: 'DK FI FO GL NL',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU XK',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ TL',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG',
    25: 'PT ST',
    26: 'IS TR',
    27: 'FR GR IT MC MR SM',
    28: 'AL AZ BY CY DO GT HU LB PL',
    29: 'BR EG PS QA UA',
    30: 'JO KW MU',
    31: 'MT SC',
    32: 'LC',
  }).flatMap(([length, countries]) =>
    countries.split(' ').map((country): [string, number] => [country, Number(length)]),
  ),
);
const SHORTEST = 15;
const LONGEST = 34;

const BEGINNING = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}/g;

/** Bank accounts of a plausible length whose check digits are right. */
export const findIbans: FindSpans = (text, found) => {
  BEGINNING.lastIndex = 0;
  for (let match = BEGINNING.exec(text); match !== null; match = BEGINNING.exec(text)) {
    const length = LENGTHS.get(match[0].slice(0, 2).toUpperCase());
    const end = accountEnd(text, match.index, length);
    if (end === 0) continue;
    found.push({ start: match.index, end, label: 'IBAN' });
    BEGINNING.lastIndex = end;
  }
};

/**
 * Where the account that begins at `start` ends; 0 when it is none. Without a known length it is
 * one word; with one its groups may be spaced out.
 */
function accountEnd(text: string, start: number, length: number | undefined): number {
  let compact = '';
  let at = start;
  while (compact.length < (length ?? LONGEST)) {
    const unit = text.charCodeAt(at);
    const isGap = (unit === 0x20 || unit === 0xa0) && text.charCodeAt(at - 1) > 0x20;
    if (isAlphanumeric(unit)) compact += text.charAt(at);
    else if (length === undefined) break;
    else if (!isGap) return 0;
    at += 1;
  }
  if (isAlphanumeric(text.charCodeAt(at)) || compact.length < SHORTEST) return 0;
  return remainder97(compact) === 1 ? at : 0;
}

/** ISO 13616: the first four characters go to the end, letters count from 10, modulo 97. */
function remainder97(compact: string): number {
  let remainder = 0;
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}
