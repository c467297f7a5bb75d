import { describe, expect, test } from 'vitest';
import {
  addToHistory,
  findBase,
  findCallerBase,
  type History,
  quantilesOf,
  ratesOf,
} from '../../../src/tui/history.ts';
import { someLiveDocument } from '../../support/some-live-document.ts';

function watch(seconds: readonly number[]): History {
  const [first = 0, ...rest] = seconds;
  return rest.reduce<History>(
    (history, second) => addToHistory(history, someLiveDocument(second)),
    addToHistory(null, someLiveDocument(first)),
  );
}

const everySecond = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('rates', () => {
  test.each([
    ['ten times a second', Array.from({ length: 300 }, (_, at) => 10 + at / 10)],
    ['once a second', everySecond(10, 40)],
    ['every ten seconds and a bit', [10, 20.1, 30.2, 40.3]],
    ['after a pause of ten minutes', [10, 11, 12, 612]],
    ['from the second look on', [10, 11]],
  ])('%s they are the same', (_, seconds) => {
    const rates = ratesOf(watch(seconds));
    expect(rates?.requestsPerSecond).toBeCloseTo(50, 0);
    expect(rates?.outputPerSecond).toBeCloseTo(2_500, -1);
    expect(rates?.usdPerHour).toBeCloseTo(7.2, 1);
  });

  test('one look has none', () => {
    expect(ratesOf(watch([10]))).toBeNull();
    expect(findBase(watch([10]))).toBeUndefined();
    expect(ratesOf(watch([10, 10]))).toBeNull();
  });
});

test('callers that were not in every document have rates all the same', () => {
  let history = watch([10]);
  for (const [second, isTold] of [
    [11, false],
    [12, true],
    [13, true],
    [14, false],
  ] as const) {
    const document = someLiveDocument(second);
    history = addToHistory(history, isTold ? document : { ...document, callers: null });
  }
  expect(findCallerBase(history)?.uptimeMs).toBe(10_000);
  const untold = addToHistory(null, { ...someLiveDocument(10), callers: null });
  expect(findCallerBase(addToHistory(untold, someLiveDocument(11)))).toBeUndefined();
});

test('percentiles are those of the last minute, not of the time before it', () => {
  const document = someLiveDocument(10);
  const { bounds_ms: bounds } = document.ttft;
  const slow = {
    ...document,
    ttft: { bounds_ms: bounds, counts: bounds.map(() => 0).concat(1_000) },
  };
  let history = addToHistory(null, slow);
  for (let second = 1; second <= 70; second += 1) {
    const fast = [second * 10, ...bounds.slice(1).map(() => 0), 1_000];
    history = addToHistory(history, {
      ...{ ...slow, uptime_ms: 10_000 + second * 1_000, ttft: { bounds_ms: bounds, counts: fast } },
    });
  }
  expect(quantilesOf(history, 'ttft', bounds).p99).toBeLessThan(10);
});

test('a point is made every five seconds, of that time alone', () => {
  const { points } = watch(everySecond(10, 40));
  expect(points).toHaveLength(6);
  for (const point of points) expect(point.requestsPerSecond).toBeCloseTo(50);
});

test('a gateway whose time ran back is another one', () => {
  const history = addToHistory(watch(everySecond(10, 40)), someLiveDocument(5));
  expect(history.points).toEqual([]);
  expect(ratesOf(history)).toBeNull();
});
