import { describe, expect, test } from 'vitest';
import { WINDOWS, type Window } from '../../../src/core/key.ts';
import { Calendar } from '../../../src/pricing/calendar.ts';
import { windowEndMs, windowStartMs } from '../../../src/pricing/window.ts';
import { createZone, UTC } from '../../../src/pricing/zone.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const QUARTER_MS = HOUR_MS / 4;

const at = (time: string) => Date.parse(time);
const iso = (timeMs: number) => new Date(timeMs).toISOString().replace('.000', '');

test.each<[Window, string, string, string]>([
  ['hour', '2026-11-18T10:30:15.250Z', '2026-11-18T10:00:00Z', '2026-11-18T11:00:00Z'],
  ['hour', '2026-11-18T10:00:00.000Z', '2026-11-18T10:00:00Z', '2026-11-18T11:00:00Z'],
  ['hour', '2026-12-31T23:59:59.999Z', '2026-12-31T23:00:00Z', '2027-01-01T00:00:00Z'],
  ['day', '2026-11-18T23:59:59.999Z', '2026-11-18T00:00:00Z', '2026-11-19T00:00:00Z'],
  ['day', '2028-02-28T12:00:00.000Z', '2028-02-28T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['week', '2026-11-18T10:00:00.000Z', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
  ['week', '2026-11-16T00:00:00.000Z', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
  ['week', '2026-11-15T23:59:59.999Z', '2026-11-09T00:00:00Z', '2026-11-16T00:00:00Z'],
  ['week', '2027-01-01T00:00:00.000Z', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
  ['month', '2026-11-18T10:00:00.000Z', '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'],
  ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ['month', '2028-02-29T12:00:00.000Z', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
  // The nights in which clocks in Europe change are plain hours in UTC.
  ['day', '2026-03-29T01:30:00.000Z', '2026-03-29T00:00:00Z', '2026-03-30T00:00:00Z'],
  ['hour', '2026-10-25T01:30:00.000Z', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00Z'],
  ['week', '1970-01-01T00:00:00.000Z', '1969-12-29T00:00:00Z', '1970-01-05T00:00:00Z'],
])('the %s of %s in UTC', (window, now, start, end) => {
  expect(windowStartMs(window, at(now), UTC)).toBe(at(start));
  expect(windowEndMs(window, at(now), UTC)).toBe(at(end));
});

test('total begins with time and never ends', () => {
  expect(windowStartMs('total', 1e12, UTC)).toBe(0);
  expect(windowEndMs('total', 1e12, UTC)).toBe(Number.POSITIVE_INFINITY);
});

describe('the calendar of a zone', () => {
  test.each<[string, string, Window, string, string, number]>([
    // Clocks go on and back: days of 23 and 25 hours, in a week and a month that know it.
    ['Europe/Berlin', '2026-03-29T12:00Z', 'day', '2026-03-28T23:00Z', '2026-03-29T22:00Z', 23],
    ['Europe/Berlin', '2026-10-25T12:00Z', 'day', '2026-10-24T22:00Z', '2026-10-25T23:00Z', 25],
    ['Europe/Berlin', '2026-10-25T12:00Z', 'week', '2026-10-18T22:00Z', '2026-10-25T23:00Z', 169],
    ['Europe/Berlin', '2026-03-01T00:30Z', 'month', '2026-02-28T23:00Z', '2026-03-31T22:00Z', 743],
    // The hour that comes twice is two windows: nobody waits two hours for one.
    ['Europe/Berlin', '2026-10-25T00:30Z', 'hour', '2026-10-25T00:00Z', '2026-10-25T01:00Z', 1],
    ['Europe/Berlin', '2026-10-25T01:30Z', 'hour', '2026-10-25T01:00Z', '2026-10-25T02:00Z', 1],
    ['America/New_York', '2026-11-01T12:00Z', 'day', '2026-11-01T04:00Z', '2026-11-02T05:00Z', 25],
    // Half and quarter hours from UTC.
    ['Asia/Kolkata', '2026-11-18T10:31Z', 'hour', '2026-11-18T10:30Z', '2026-11-18T11:30Z', 1],
    ['Asia/Kathmandu', '2026-11-18T10:16Z', 'hour', '2026-11-18T10:15Z', '2026-11-18T11:15Z', 1],
    ['Asia/Kathmandu', '2026-11-18T10:16Z', 'day', '2026-11-17T18:15Z', '2026-11-18T18:15Z', 24],
    // Clocks that change at midnight: a day that begins at one, and one whose last hour repeats.
    ['Asia/Beirut', '2026-03-29T09:00Z', 'day', '2026-03-28T22:00Z', '2026-03-29T21:00Z', 23],
    ['Asia/Beirut', '2026-10-24T20:30Z', 'day', '2026-10-23T21:00Z', '2026-10-24T22:00Z', 25],
    ['Asia/Beirut', '2026-10-24T21:30Z', 'day', '2026-10-23T21:00Z', '2026-10-24T22:00Z', 25],
    // Half an hour on and back: the hour at the change is cut short.
    [
      'Australia/Lord_Howe',
      '2026-10-03T15:45Z',
      'hour',
      '2026-10-03T15:30Z',
      '2026-10-03T16:00Z',
      0.5,
    ],
    [
      'Australia/Lord_Howe',
      '2026-04-04T15:15Z',
      'hour',
      '2026-04-04T15:00Z',
      '2026-04-04T15:30Z',
      0.5,
    ],
    [
      'Australia/Lord_Howe',
      '2026-04-04T15:30Z',
      'hour',
      '2026-04-04T15:30Z',
      '2026-04-04T16:30Z',
      1,
    ],
    // Samoa left out 30 December 2011 to be on the other side of the date line.
    ['Pacific/Apia', '2011-12-30T09:59Z', 'day', '2011-12-29T10:00Z', '2011-12-30T10:00Z', 24],
    ['Pacific/Apia', '2011-12-30T10:00Z', 'day', '2011-12-30T10:00Z', '2011-12-31T10:00Z', 24],
    ['Pacific/Apia', '2011-12-30T10:00Z', 'week', '2011-12-26T10:00Z', '2012-01-01T10:00Z', 144],
    // St. John's put clocks back one minute into the new day, which had then begun already.
    [
      'America/St_Johns',
      '2006-10-29T02:30:30Z',
      'day',
      '2006-10-29T02:30Z',
      '2006-10-30T03:30Z',
      25,
    ],
    [
      'America/St_Johns',
      '2006-10-29T03:00:00Z',
      'day',
      '2006-10-29T02:30Z',
      '2006-10-30T03:30Z',
      25,
    ],
  ])('%s at %s: the %s from %s to %s', (name, now, window, start, end, hours) => {
    const zone = createZone(name);
    const startMs = windowStartMs(window, at(now), zone);
    expect([iso(startMs), iso(windowEndMs(window, at(now), zone))]).toEqual(
      [start, end].map((time) => iso(at(time))),
    );
    expect((at(end) - at(start)) / HOUR_MS).toBe(hours);
  });

  test('is asked of an independent one, for every zone there is', () => {
    const random = createSeededRandom(11);
    for (const name of Intl.supportedValuesOf('timeZone')) {
      const zone = createZone(name);
      for (let round = 0; round < 2; round += 1) {
        const nowMs = Date.UTC(2012, 0) + random.int(24 * 365 * DAY_MS);
        const here = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(name);
        const day = here.startOfDay();
        const month = here.with({ day: 1 }).startOfDay();
        const week = here.subtract({ days: here.dayOfWeek - 1 }).startOfDay();
        expect([name, windowStartMs('day', nowMs, zone)]).toEqual([name, day.epochMilliseconds]);
        expect([name, windowStartMs('week', nowMs, zone)]).toEqual([name, week.epochMilliseconds]);
        expect([name, windowStartMs('month', nowMs, zone)]).toEqual([
          name,
          month.epochMilliseconds,
        ]);
        expect(windowEndMs('day', nowMs, zone)).toBe(
          here.add({ days: 1 }).startOfDay().epochMilliseconds,
        );
      }
    }
  });

  test('does not exist for a word that is no zone', () => {
    expect(() => createZone('Europe/Atlantis')).toThrow(RangeError);
  });
});

describe('at any time', () => {
  const ZONES = ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Cairo'];
  const windows = WINDOWS.filter((window) => window !== 'total');

  test.each(ZONES.flatMap((zone) => windows.map((window) => [zone, window] as const)))(
    '%s: every %s follows the last, on a whole quarter of an hour',
    (name, window) => {
      const zone = createZone(name);
      const random = createSeededRandom(5);
      for (let round = 0; round < 500; round += 1) {
        // One in two near a change of the clocks, where it is hardest.
        const anyMs = Date.UTC(1990, 0) + random.int(50 * 365 * DAY_MS);
        const changes = zone.changes(anyMs - 200 * DAY_MS, anyMs);
        const near = changes.length > 0 && random.int(2) === 0 ? random.pick(changes) : null;
        const nowMs = near === null ? anyMs : near.atMs + random.int(2 * DAY_MS) - DAY_MS;
        const startMs = windowStartMs(window, nowMs, zone);
        const endMs = windowEndMs(window, nowMs, zone);
        expect(startMs <= nowMs && nowMs < endMs).toBe(true);
        expect(windowStartMs(window, startMs, zone)).toBe(startMs);
        expect(windowStartMs(window, endMs - 1, zone)).toBe(startMs);
        expect(windowStartMs(window, endMs, zone)).toBe(endMs);
        expect(startMs % QUARTER_MS).toBe(0);
      }
    },
  );
});

describe('the running windows', () => {
  test('are those of the time, whenever it is looked at', () => {
    const zone = createZone('Australia/Lord_Howe');
    let nowMs = Date.UTC(2026, 3, 3, 9, 7);
    const calendar = new Calendar(nowMs, zone);
    const random = createSeededRandom(3);
    for (let round = 0; round < 2_000; round += 1) {
      nowMs += random.int(2 * HOUR_MS);
      calendar.advance(nowMs);
      for (const window of WINDOWS) {
        expect(calendar.startMs(window)).toBe(windowStartMs(window, nowMs, zone));
      }
    }
  });

  test('never go back with the clock', () => {
    const startMs = at('2026-11-01T00:10:00Z');
    const calendar = new Calendar(startMs, UTC);
    const before = [...calendar.starts];
    expect(calendar.advance(startMs - HOUR_MS)).toBe(false);
    expect(calendar.starts).toEqual(before);
    expect(calendar.nowMs).toBe(startMs);
    expect(calendar.advance(startMs + 2 * HOUR_MS)).toBe(true);
    expect(calendar.startMs('hour')).toBe(at('2026-11-01T02:00:00Z'));
  });
});
