import { BadValue } from './bad-value.ts';

const EXAMPLE = 'write it like "22:00-06:00"';

/**
 * `22:00-06:00` as minutes of the day, from inclusive, to exclusive; past midnight when it ends
 * before it begins. `24:00` is the end of the day. Throws BadValue.
 */
export function parseDayTimes(text: string): { fromMinute: number; toMinute: number } {
  const [, ...digits] = /^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/.exec(text) ?? [];
  const [fromHour, fromRest, toHour, toRest] = digits.map(Number);
  if (fromHour === undefined || fromRest === undefined) {
    throw new BadValue(`not two times of day; ${EXAMPLE}`);
  }
  if (toHour === undefined || toRest === undefined) {
    throw new BadValue(`not two times of day; ${EXAMPLE}`);
  }
  const [fromMinute, toMinute] = [fromHour * 60 + fromRest, toHour * 60 + toRest];
  if (fromRest > 59 || toRest > 59 || fromMinute >= 1_440 || toMinute > 1_440) {
    throw new BadValue(`there is no such time of day; ${EXAMPLE}`);
  }
  if (fromMinute === toMinute) throw new BadValue('begins and ends at the same minute');
  return { fromMinute, toMinute };
}
