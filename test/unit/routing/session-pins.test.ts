import { expect, test } from 'vitest';
import { SessionPins } from '../../../src/routing/session-pins.ts';

test('the sessions unused longest are forgotten', () => {
  const pins = new SessionPins(2);
  pins.pin('m', 'one', 'a');
  pins.pin('m', 'two', 'b');
  pins.pin('m', 'one', 'c');
  pins.pin('m', 'three', 'd');
  expect(['one', 'two', 'three'].map((session) => pins.find('m', session))).toEqual([
    'c',
    undefined,
    'd',
  ]);
  expect(pins.size).toBe(2);
});

test('a name belongs to its model', () => {
  const pins = new SessionPins(10);
  pins.pin('m', 'one', 'a');
  expect(pins.find('n', 'one')).toBeUndefined();
});
