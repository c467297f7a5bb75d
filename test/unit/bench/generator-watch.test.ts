import { describe, expect, test } from 'vitest';
import { findLimits, GeneratorWatch } from '../../../src/bench/generator-watch.ts';
import { DurationHistogram } from '../../../src/bench/histogram.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

/** A generator that has run for `ms` of a clock that nothing else moves. */
function watched(ms: number, sendLagsMs: readonly number[]): GeneratorWatch {
  const clock = createFakeClock();
  const watch = new GeneratorWatch(clock);
  watch.start();
  for (const lag of sendLagsMs) watch.sendLag.record(lag);
  clock.advance(ms);
  watch.stop();
  return watch;
}

describe('the generator says when it is too slow', () => {
  test('requests that leave late', () => {
    const lags = Array.from({ length: 100 }, (_, at) => (at < 90 ? 0 : 50));
    expect(watched(3_600_000, lags).health.limits).toEqual(['requests left late by 50 ms (p99)']);
  });

  test('also when there were few of them', () => {
    expect(watched(3_600_000, [300]).health.limits).toHaveLength(1);
  });

  test.each([
    [0.86, 500, ['it used 86 % of a core, and has only one']],
    [0.84, 500, []],
    // The first milliseconds of a process are no measure of it.
    [1.1, 400, []],
  ])('%d of a core for %d ms', (cpuShare, wallMs, limits) => {
    const none = new DurationHistogram();
    expect(findLimits({ cpuShare, wallMs, loopLag: none, sendLag: none })).toEqual(limits);
  });

  test('and nothing when it kept up', () => {
    expect(watched(3_600_000, [0, 1, 2]).health).toMatchObject({ limits: [] });
  });
});
