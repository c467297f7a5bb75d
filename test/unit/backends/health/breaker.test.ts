import { describe, expect, test } from 'vitest';
import { Breaker } from '../../../../src/backends/health/breaker.ts';
import { createSeededRandom } from '../../../support/seeded-random.ts';

const SETTINGS = { errorRate: 0.5, minAttempts: 10, windowMs: 10_000, openMs: 1_000 };

function createTestBreaker(settings = {}, random = () => 0) {
  return new Breaker({ ...SETTINGS, ...settings }, random);
}

/** `+` succeeds, `-` fails, each at the same time. */
function play(breaker: Breaker, ends: string, nowMs = 0): string {
  for (const end of ends) {
    if (end === '+') breaker.succeeded(nowMs);
    else breaker.failed(nowMs, false);
  }
  return breaker.state(nowMs);
}

describe('a closed breaker', () => {
  test.each([
    ['four failures in a row', '----', 'closed'],
    ['five', '-----', 'open'],
    ['five with a success between', '----+-', 'closed'],
    ['half of ten', '+-+-+-+-+-', 'open'],
    ['half of eight: too few to judge', '-+-+-+-+', 'closed'],
    ['less than half', '++-+-+-+-+-+', 'closed'],
    ['the tenth attempt that makes it half', '++-+-+-+--', 'open'],
  ])('after %s', (_what, ends, state) => {
    expect(play(createTestBreaker(), ends)).toBe(state);
  });

  test('forgets what is older than its window', () => {
    const breaker = createTestBreaker();
    play(breaker, '-+-+-+-+', 0);
    expect(play(breaker, '+-', 10_000)).toBe('closed');
    expect(play(breaker, '+-+-+-', 10_000)).toBe('closed'); // Four of eight.
    expect(play(breaker, '-', 10_000)).toBe('closed'); // Five of nine.
    expect(play(breaker, '-', 10_000)).toBe('open');
  });

  test('takes other settings after a reload', () => {
    const breaker = createTestBreaker();
    play(breaker, '-+-+-+');
    breaker.replaceSettings({ ...SETTINGS, minAttempts: 4 });
    expect(play(breaker, '-')).toBe('open');
    breaker.close();
    play(breaker, '-+-');
    breaker.replaceSettings({ ...SETTINGS, minAttempts: 4, windowMs: 5_000 });
    expect(play(breaker, '-')).toBe('closed'); // Another window begins anew.
  });
});

describe('an open breaker', () => {
  test('lets one through after its time, and closes after two good ones', () => {
    const breaker = createTestBreaker();
    play(breaker, '-----');
    expect([breaker.allows(999), breaker.changesAtMs(0)]).toEqual([false, 1_000]);
    expect([breaker.state(1_000), breaker.allows(1_000)]).toEqual(['half_open', true]);
    breaker.begin(1_000);
    expect([breaker.allows(1_000), breaker.changesAtMs(1_000)]).toEqual([false, 2_000]);
    breaker.succeeded(1_100);
    expect([breaker.state(1_100), breaker.allows(1_100)]).toEqual(['half_open', true]);
    breaker.begin(1_100);
    breaker.succeeded(1_200);
    expect([breaker.state(1_200), breaker.allows(1_200)]).toEqual(['closed', true]);
    expect(breaker.changesAtMs(1_200)).toBe(Number.POSITIVE_INFINITY);
  });

  test('stays open twice as long each time, up to ten times', () => {
    const breaker = createTestBreaker();
    play(breaker, '-----');
    const durations: number[] = [];
    let nowMs = 0;
    for (let round = 0; round < 6; round++) {
      const untilMs = breaker.changesAtMs(nowMs);
      durations.push(untilMs - nowMs);
      nowMs = untilMs;
      breaker.begin(nowMs);
      breaker.failed(nowMs, false);
    }
    expect(durations).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(breaker.opened).toBe(7);
    nowMs = breaker.changesAtMs(nowMs);
    play(breaker, '++', nowMs);
    play(breaker, '-----', nowMs);
    expect(breaker.changesAtMs(nowMs) - nowMs).toBe(1_000);
  });

  test('draws up to a fifth more, so that gateways do not come back together', () => {
    const random = createSeededRandom(7);
    const durations = Array.from({ length: 50 }, () => {
      const breaker = createTestBreaker({}, () => random.next());
      play(breaker, '-----');
      return breaker.changesAtMs(0);
    });
    expect(Math.min(...durations)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...durations)).toBeLessThan(1_200);
    expect(new Set(durations).size).toBeGreaterThan(40);
  });

  test('is not opened again by attempts that began before it opened', () => {
    const breaker = createTestBreaker();
    play(breaker, '-----');
    expect(play(breaker, '++------', 500)).toBe('open');
    expect([breaker.opened, breaker.changesAtMs(500)]).toEqual([1, 1_000]);
  });

  test('is closed by a probe that began later, when it was only out of reach', () => {
    const breaker = createTestBreaker();
    for (let count = 0; count < 5; count++) breaker.failed(100, true);
    breaker.reached(99); // Began before: it knows nothing.
    expect(breaker.state(200)).toBe('open');
    breaker.reached(150);
    expect(breaker.state(200)).toBe('closed');
  });

  test.each(['an error among them', 'the last of them an error'])(
    'is not closed by a probe when it was not only out of reach: %s',
    (which) => {
      const breaker = createTestBreaker();
      const errorAt = which.startsWith('the last') ? 4 : 2;
      for (let at = 0; at < 5; at++) breaker.failed(0, at !== errorAt);
      breaker.reached(1);
      expect(breaker.state(1)).toBe('open');
    },
  );
});

describe('a trial', () => {
  function openHalf() {
    const breaker = createTestBreaker();
    play(breaker, '-----');
    breaker.begin(1_000);
    return breaker;
  }

  test('that is left by its caller makes room for the next', () => {
    const breaker = openHalf();
    breaker.passed();
    expect([breaker.state(1_001), breaker.allows(1_001)]).toEqual(['half_open', true]);
  });

  test('that says nothing for long makes room too', () => {
    const breaker = openHalf();
    expect(breaker.allows(1_999)).toBe(false);
    expect(breaker.allows(2_000)).toBe(true);
  });

  test('counts with its first content, and not again with its end', () => {
    const breaker = openHalf();
    breaker.answered(1_100);
    expect([breaker.state(1_100), breaker.allows(1_100)]).toEqual(['half_open', true]);
    breaker.succeeded(1_200);
    expect(breaker.state(1_200)).toBe('half_open');
    breaker.begin(1_200);
    breaker.answered(1_300);
    expect(breaker.state(1_300)).toBe('closed');
  });

  test('that is left after its first content has counted, and takes nothing from the next', () => {
    const breaker = openHalf();
    breaker.answered(1_001);
    breaker.begin(1_002);
    breaker.passed();
    expect(breaker.allows(1_003)).toBe(false);
    breaker.succeeded(1_004);
    expect(breaker.state(1_004)).toBe('closed');
  });

  test('that breaks after its first content opens it again', () => {
    const breaker = openHalf();
    breaker.answered(1_100);
    breaker.failed(1_200, false);
    expect(breaker.state(1_200)).toBe('open');
    expect(breaker.changesAtMs(1_200)).toBe(3_200);
  });
});
