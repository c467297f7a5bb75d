import { isAlphanumeric, isDigit, isLetter } from './redact-character.ts';
import type { FindSpans, RedactionSpan } from './redact-span.ts';

/** Digits that stand together, and how they are set apart from the group before them. */
interface Group {
  readonly start: number;
  readonly end: number;
  /** The one to three signs between; null for the first group of a run. */
  readonly gap: string | null;
}

const GAP_SIGNS = new Set(' .-/()+\u00a0\u2009\u202f\u2010\u2011\u2012\u2013');
const GAP_MAX = 3;

/** Text can be one run from end to end; it is searched in pieces of so many groups. */
const RUN_MAX = 1_024;
/** No number has more groups than a card or a telephone number has digits. */
const GROUPS_MAX = 20;

/**
 * Payment cards, US social security numbers, telephone numbers and IPv4 addresses. All are runs of
 * digits with few signs between, so the text is cut into groups once and every kind looks at the
 * next few groups only.
 */
export const findNumbers: FindSpans = (text, found) => {
  const run: Group[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (!isDigit(text.charCodeAt(at))) continue;
    const start = at;
    while (isDigit(text.charCodeAt(at))) at += 1;
    const gap = gapBetween(text, run.at(-1), start);
    if (gap === null) searchRun(text, run, { keep: 0, found });
    if (run.length >= RUN_MAX) searchRun(text, run, { keep: GROUPS_MAX, found });
    run.push({ start, end: at, gap });
  }
  searchRun(text, run, { keep: 0, found });
};

function gapBetween(text: string, before: Group | undefined, start: number): string | null {
  if (before === undefined || start - before.end > GAP_MAX) return null;
  const gap = text.slice(before.end, start);
  for (const sign of gap) if (!GAP_SIGNS.has(sign)) return null;
  return gap;
}

interface Search {
  /** Groups at the end of the run that are left for the next search. */
  readonly keep: number;
  readonly found: RedactionSpan[];
}

/** Looks at what begins with every group but the last ones, and takes those groups from the run. */
function searchRun(text: string, run: Group[], { keep, found }: Search): void {
  const searched = Math.max(0, run.length - keep);
  for (let at = 0; at < searched; at += 1) {
    const span = findAt(text, run, at);
    // A number that begins inside another is covered as well: who can say which of them is meant?
    if (span !== null) found.push(span);
  }
  run.splice(0, searched);
}

function findAt(text: string, run: readonly Group[], at: number): RedactionSpan | null {
  const first = run[at];
  if (first === undefined) return null;
  const make = (end: number | null, label: RedactionSpan['label'], start = first.start) =>
    end === null ? null : { start, end, label };
  return (
    make(ipv4End(text, run, at), 'IP') ??
    make(cardEnd(text, run, at), 'CARD') ??
    make(ssnEnd(text, run, at), 'SSN') ??
    make(phoneEnd(text, run, at), 'PHONE', phoneStart(text, first))
  );
}

function sizeOf(group: Group | undefined): number {
  return group === undefined ? 0 : group.end - group.start;
}

/** The groups from `at` on, when they have exactly these sizes. */
function groupsOf(run: readonly Group[], at: number, sizes: readonly number[]): Group[] | null {
  const groups = run.slice(at, at + sizes.length);
  return sizes.every((size, index) => sizeOf(groups[index]) === size) ? groups : null;
}

function ipv4End(text: string, run: readonly Group[], at: number): number | null {
  const groups = run.slice(at, at + 4);
  const [first] = groups;
  if (first === undefined || groups.length < 4) return null;
  if (first.gap === '.' || run[at + 4]?.gap === '.' || isLetter(text.charCodeAt(first.start - 1))) {
    return null;
  }
  for (const [index, group] of groups.entries()) {
    if (index > 0 && group.gap !== '.') return null;
    if (sizeOf(group) > 3 || Number(text.slice(group.start, group.end)) > 255) return null;
  }
  return groups.at(-1)?.end ?? null;
}

const CARD_MIN = 13;
const CARD_MAX = 19;
const CARD_GAPS = new Set([' ', '-', '\u00a0', '\u2011']);

/** The longest run of groups that is a card number. Decimal fractions of the same length are none. */
function cardEnd(text: string, run: readonly Group[], at: number): number | null {
  const first = run[at];
  if (first === undefined || (sizeOf(first) !== 4 && sizeOf(first) < CARD_MIN)) return null;
  if (first.gap === '.' || text[first.start - 1] === '+') return null;
  let digits = '';
  let end: number | null = null;
  for (let index = at; digits.length < CARD_MAX; index += 1) {
    const group = run[index];
    if (group === undefined || sizeOf(group) > CARD_MAX) break;
    if (index > at && !CARD_GAPS.has(group.gap ?? '')) break;
    digits += text.slice(group.start, group.end);
    if (digits.length < CARD_MIN || digits.length > CARD_MAX) continue;
    if (run[index + 1]?.gap !== '.' && isCardNumber(digits)) end = group.end;
  }
  return end;
}

/** The first digits of the payment networks (ISO/IEC 7812), and the check digit of Luhn. */
function isCardNumber(digits: string): boolean {
  if (!/^(?:[3-6]|2[2-7])/.test(digits)) return false;
  let sum = 0;
  for (let at = digits.length - 1, double = false; at >= 0; at -= 1, double = !double) {
    const digit = digits.charCodeAt(at) - 0x30;
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

/** Numbers that the Social Security Administration gives out: no 000, 666 or 9xx, no zero parts. */
function ssnEnd(text: string, run: readonly Group[], at: number): number | null {
  const [area, group, serial] = groupsOf(run, at, [3, 2, 4]) ?? [];
  if (area === undefined || group === undefined || serial === undefined) return null;
  if (area.gap === '-' || run[at + 3]?.gap === '-') return null;
  if (group.gap !== serial.gap || (group.gap !== '-' && group.gap !== ' ')) return null;
  if (/^(?:000|666|9)/.test(text.slice(area.start, area.end))) return null;
  if (text.slice(group.start, group.end) === '00') return null;
  return text.slice(serial.start, serial.end) === '0000' ? null : serial.end;
}

/** ITU-T E.164 allows fifteen digits. */
const PHONE_MAX = 15;

function phoneEnd(text: string, run: readonly Group[], at: number): number | null {
  const first = run[at];
  if (first === undefined || isAlphanumeric(text.charCodeAt(first.start - 1))) return null;
  return (
    internationalEnd(text, run, at) ?? northAmericanEnd(text, run, at) ?? nationalEnd(text, run, at)
  );
}

/** From the `+` or the bracket that belongs to the number. */
function phoneStart(text: string, first: Group): number {
  let { start } = first;
  while (start > 0 && (text[start - 1] === '(' || text[start - 1] === '+')) start -= 1;
  return start;
}

/** +49 30 1234567, 0049 30 1234567. */
function internationalEnd(text: string, run: readonly Group[], at: number): number | null {
  const first = run[at];
  if (first === undefined) return null;
  const before = phoneStart(text, first);
  const hasPlus = text.slice(before, first.start).includes('+');
  const isPlus = hasPlus && !isLetter(text.charCodeAt(before - 1));
  const isDoubleZero = /^00[1-9]/.test(text.slice(first.start, first.start + 3));
  if (!isPlus && !isDoubleZero) return null;
  return lastEnd(run, at, {
    min: isPlus ? 8 : 10,
    gaps: /^[ ().\-/\u00a0\u2009\u202f\u2010-\u2013]{1,3}$/,
  });
}

/** (555) 123-4567, 555.123.4567, 1-555-123-4567. No area begins with 0 or 1. */
function northAmericanEnd(text: string, run: readonly Group[], at: number): number | null {
  const country = sizeOf(run[at]) === 1 && text[run[at]?.start ?? 0] === '1' ? 1 : 0;
  const [area, exchange, line] = groupsOf(run, at + country, [3, 3, 4]) ?? [];
  if (area === undefined || exchange === undefined || line === undefined) return null;
  if (country === 1 && !/^(?:[ .-]|[ -]?\()$/.test(area.gap ?? '')) return null;
  if (!/^(?:[ .-]|\)[ -]?)$/.test(exchange.gap ?? '') || !/^[ .-]$/.test(line.gap ?? ''))
    return null;
  return (text[area.start] ?? '') >= '2' ? line.end : null;
}

/** 030 1234567, 0171/1234567, 06.12.34.56.78, 07700900123. */
function nationalEnd(text: string, run: readonly Group[], at: number): number | null {
  const first = run[at];
  if (first === undefined || !/^0[1-9]/.test(text.slice(first.start, first.start + 2))) return null;
  // What follows the year of a date, and ids that begin with words.
  if (first.gap !== null && !first.gap.includes(' ')) return null;
  if (/[-_.]/.test(text.charAt(first.start - 1))) return null;
  const pairs = groupsOf(run, at, [2, 2, 2, 2, 2]);
  if (pairs !== null) return lastEnd(run, at, { min: 10, gaps: /^[ .-]$/ });
  if (groupsOf(run, at, [2, 2, 4]) !== null) return null;
  return lastEnd(run, at, {
    min: sizeOf(first) >= 10 ? 10 : 9,
    gaps: /^(?:[ \-/\u00a0]|\)[ -]?)$/,
  });
}

interface NumberShape {
  /** Fewest digits in all. */
  readonly min: number;
  readonly gaps: RegExp;
}

/** Where the last group ends that still fits, or null when there are too few digits. */
function lastEnd(run: readonly Group[], at: number, { min, gaps }: NumberShape): number | null {
  let digits = 0;
  let end: number | null = null;
  for (let index = at; ; index += 1) {
    const group = run[index];
    digits += sizeOf(group);
    if (group === undefined || digits > PHONE_MAX) return end;
    if (index > at && !gaps.test(group.gap ?? '')) return end;
    if (digits >= min) end = group.end;
  }
}
