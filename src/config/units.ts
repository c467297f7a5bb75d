import { BadValue } from './bad-value.ts';

/** Milliseconds in each unit of time that a duration or a rate may use. */
const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Bytes. KB is decimal as on a disk's label, KiB binary, so that neither has to be guessed. */
const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KB', 1_000],
  ['MB', 1_000_000],
  ['GB', 1_000_000_000],
  ['KiB', 1_024],
  ['MiB', 1_048_576],
  ['GiB', 1_073_741_824],
]);

const RATE_UNITS = ['s', 'm', 'h', 'd'];
const DURATION_EXAMPLES = 'write it like 250ms, 2s, 15m, 24h or 90d';
const SIZE_EXAMPLES = 'write it like 64KB, 10MB or 16MiB';
const RATE_EXAMPLES = 'write it like 600/m, with s, m, h or d after the slash';

/** A hundred years: past this a duration is a typing error, and sums of it stay exact. */
const LONGEST_MS = 36_500 * 86_400_000;

/** `250ms`, `2s`, `1.5h`, `90d` as whole milliseconds, more than zero. Throws BadValue. */
export function parseDuration(text: string): number {
  const ms = parseQuantity(text, {
    kind: 'a duration',
    units: DURATION_UNITS,
    examples: DURATION_EXAMPLES,
  });
  if (ms > LONGEST_MS) throw new BadValue(`${quote(text)} is longer than 100 years`);
  return ms;
}

/** `64KB`, `10MB`, `1.5GiB` as whole bytes, more than zero. Throws BadValue. */
export function parseSize(text: string): number {
  return parseQuantity(text, { kind: 'a size', units: SIZE_UNITS, examples: SIZE_EXAMPLES });
}

/** `600/m` as a count and the window it is allowed in. Throws BadValue. */
export function parseRate(text: string): { readonly count: number; readonly windowMs: number } {
  const [, digits, unit] = /^\s*(\d+)\s*\/\s*([A-Za-z]+)\s*$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new BadValue(`${quote(text)} is not a rate; ${RATE_EXAMPLES}`);
  }
  const windowMs = RATE_UNITS.includes(unit) ? DURATION_UNITS.get(unit) : undefined;
  if (windowMs === undefined) {
    throw new BadValue(`${quote(text)} has the unknown unit "${unit}"; ${RATE_EXAMPLES}`);
  }
  const count = Number(digits);
  if (!Number.isSafeInteger(count)) throw new BadValue(`${quote(text)} is too large`);
  if (count === 0) throw new BadValue(`${quote(text)} allows nothing; write at least 1/${unit}`);
  return { count, windowMs };
}

/** `80%` as 80: a whole number from 1 to 1000. Throws BadValue. */
export function parsePercentage(text: string): number {
  const [, digits] = /^\s*(\d+)\s*%\s*$/.exec(text) ?? [];
  if (digits === undefined)
    throw new BadValue(`${quote(text)} is not a percentage; write it like 80%`);
  const percent = Number(digits);
  if (percent < 1 || percent > 1_000) throw new BadValue('must be between 1% and 1000%');
  return percent;
}

/** `5%`, `0.5%` as a part of one: from 0% to 100%. Throws BadValue. */
export function parseShare(text: string): number {
  const [, digits] = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text) ?? [];
  if (digits === undefined) {
    throw new BadValue(`${quote(text)} is not a percentage; write it like 5% or 0.5%`);
  }
  const percent = Number(digits);
  if (percent > 100) throw new BadValue('must be at most 100%');
  // 0.7 / 100 is off by the last bit, and people see the number.
  return Number((percent / 100).toFixed(9));
}

interface Quantity {
  readonly kind: string;
  readonly units: ReadonlyMap<string, number>;
  readonly examples: string;
}

function parseQuantity(text: string, { kind, units, examples }: Quantity): number {
  const [, digits, unit] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new BadValue(`${quote(text)} is not ${kind}; ${examples}`);
  }
  if (unit === '') throw new BadValue(`${quote(text)} has no unit; ${examples}`);
  const factor = units.get(unit);
  if (factor === undefined) {
    throw new BadValue(`${quote(text)} has the unknown unit "${unit}"; ${examples}`);
  }
  const value = Number(digits) * factor;
  if (value === 0) throw new BadValue(`${quote(text)} is zero; ${kind} must be more than that`);
  // 0.1 * 1000 style results are off by an ulp; a real fraction is off by far more.
  const whole = Math.round(value);
  if (!Number.isSafeInteger(whole)) throw new BadValue(`${quote(text)} is too large`);
  if (Math.abs(value - whole) > 1e-6) {
    throw new BadValue(`${quote(text)} is not a whole number of ${[...units.keys()][0]}`);
  }
  return whole;
}

/** Long input is cut: a message must stay one line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
