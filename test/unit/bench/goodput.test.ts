import { expect, test } from 'vitest';
import { meetsObjectives, parseObjective } from '../../../src/bench/goodput.ts';

test('objectives add up, each in milliseconds', () => {
  expect(parseObjective('tpot:50.5', parseObjective('ttft:200ms'))).toEqual({
    ttft: 200,
    tpot: 50.5,
  });
});

test.each(['ttft', 'itl:5', 'ttft:', 'ttft:-5', 'ttft:5s', 'ttft:1e3', ''])(
  '%j is none',
  (text) => {
    expect(() => parseObjective(text)).toThrow('such as ttft:200');
  },
);

test('twice the same is a mistake', () => {
  expect(() => parseObjective('ttft:1', { ttft: 2 })).toThrow('ttft is there twice');
});

test.each([
  ['at the bound', { ttftMs: 200, tpotMs: 50, e2elMs: 1_000 }, true],
  ['TTFT over', { ttftMs: 200.1, tpotMs: 50, e2elMs: 1_000 }, false],
  ['TPOT over', { ttftMs: 1, tpotMs: 51, e2elMs: 1_000 }, false],
  ['E2EL over', { ttftMs: 1, tpotMs: 1, e2elMs: 1_001 }, false],
  ['one token has no TPOT, and keeps it', { ttftMs: 1, tpotMs: null, e2elMs: 1 }, true],
])('%s', (_, timings, isGood) => {
  expect(meetsObjectives(timings, { ttft: 200, tpot: 50, e2el: 1_000 })).toBe(isGood);
});

test('what is not asked for cannot be missed', () => {
  expect(meetsObjectives({ ttftMs: 1e6, tpotMs: 1e6, e2elMs: 1e6 }, {})).toBe(true);
});
