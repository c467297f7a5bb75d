import type { Hedge } from '../routing/model-table.ts';
import { BadValue } from './bad-value.ts';
import { parseDuration } from './units.ts';

const LONGEST_MS = 3_600_000;

/** `p95` as a percentile of the model's own first tokens, `800ms` as what it says. Throws BadValue. */
export function parseHedgeDelay(text: string): Hedge['after'] {
  const [, digits] = /^\s*p(\d{1,2}(?:\.\d+)?)\s*$/.exec(text) ?? [];
  if (digits === undefined) {
    const ms = parseDuration(text);
    if (ms > LONGEST_MS) throw new BadValue('must be at most 1h');
    return { ms };
  }
  const percent = Number(digits);
  if (percent < 50) throw new BadValue('must be at least p50: half of all requests wait longer');
  // 99.9 / 100 is off by the last bit, and people see the number.
  return { percentile: Number((percent / 100).toFixed(6)) };
}
