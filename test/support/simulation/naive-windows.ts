import { WINDOWS, type Window } from '../../../src/core/key.ts';

const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Which window a moment is in, as numbers that rise with time: read off a calendar on the wall of
 * that zone, with nothing computed about when a window begins.
 */
export class NaiveWindows {
  readonly #format: Intl.DateTimeFormat;
  readonly #known = new Map<number, readonly number[]>();

  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      minute: 'numeric',
    });
  }

  /** In the order of `WINDOWS`. */
  keys(atMs: number): readonly number[] {
    const quarterMs = Math.floor(atMs / QUARTER_MS) * QUARTER_MS;
    const known = this.#known.get(quarterMs);
    if (known !== undefined) return known;
    const parts = new Map(
      this.#format.formatToParts(quarterMs).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: string) => parts.get(type as Intl.DateTimeFormatPartTypes) ?? 0;
    const date = Date.UTC(part('year'), part('month') - 1, part('day')) / DAY_MS;
    const byWindow: Record<Window, number> = {
      hour: quarterMs - part('minute') * 60_000,
      day: date,
      // Day 4 was the first Monday.
      week: Math.floor((date - 4) / 7),
      month: part('year') * 12 + part('month'),
      total: 0,
    };
    const keys = WINDOWS.map((window) => byWindow[window]);
    this.#known.set(quarterMs, keys);
    return keys;
  }
}
