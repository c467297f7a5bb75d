import { expect, test } from 'vitest';
import { ProbeStreak } from '../../../../src/backends/health/probe-streak.ts';

const LETTERS = {
  o: 'ok',
  l: 'loading',
  u: 'unavailable',
  m: 'missing',
  f: 'failed',
  r: 'unreachable',
} as const;

test.each([
  ['the first good one is enough', 'o', 'up'],
  ['two bad ones are doubt', 'off', 'up'],
  ['three in a row are not', 'offf', 'down'],
  ['a good one between starts again', 'offoff', 'up'],
  ['it is back after two in a row', 'offfo', 'down'],
  ['and is then up', 'offfoo', 'up'],
  ['a bad one between starts that again too', 'offfofo', 'down'],
  ['never seen well, it is down after three all the same', 'fff', 'down'],
  ['before that nobody knows', 'ff', 'unknown'],
  ['refused counts as bad', 'orrr', 'down'],
  ['loading is not dead, however long', 'llllll', 'warming'],
  ['and done with the first good one', 'llo', 'up'],
  ['loading after it was down', 'orrrl', 'warming'],
  ['loading after it was well: another model', 'ol', 'warming'],
  ['503 from an engine that was never well: it starts', 'uuuuu', 'warming'],
  ['503 from one that was: nothing is sent there at once', 'ou', 'warming'],
  ['and it has died when it stays so', 'ouuu', 'down'],
  ['503 after it was gone: it starts again', 'orrruuuu', 'warming'],
  ['503 after one refusal: it was restarted', 'oruuuu', 'warming'],
  ['without an endpoint nobody knows', 'mmmmm', 'unknown'],
  ['an endpoint that has gone is bad', 'ommm', 'down'],
  ['an endpoint that comes', 'mmo', 'up'],
])('%s', (_what, letters, state) => {
  const streak = new ProbeStreak();
  for (const letter of letters) {
    streak.take(LETTERS[letter as keyof typeof LETTERS], { downAfter: 3, upAfter: 2 });
  }
  expect(streak.state).toBe(state);
});

test.each([
  ['', false],
  ['o', false],
  ['of', true],
  ['offf', false],
  ['offfo', true],
  ['offfoo', false],
  ['l', true],
  ['f', true],
])('after %j the next probe is worth an early one: %s', (letters, isUnsettled) => {
  const streak = new ProbeStreak();
  for (const letter of letters) {
    streak.take(LETTERS[letter as keyof typeof LETTERS], { downAfter: 3, upAfter: 2 });
  }
  expect(streak.isUnsettled).toBe(isUnsettled);
});
