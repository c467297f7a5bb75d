import { describe, expect, test } from 'vitest';
import { createCredentials } from '../../../src/backends/credentials.ts';

const MINUTE_MS = 60_000;

describe('keys of a backend', () => {
  test('the first is used until it is refused', () => {
    const keys = createCredentials(['a', 'b', 'c']);
    expect([keys.current(0), keys.current(1), keys.current(2)]).toEqual([0, 0, 0]);
    expect(keys.refused(0, 401, 10)).toBe(true);
    expect(keys.current(10)).toBe(1);
    expect(keys.refused(1, 402, 20)).toBe(true);
    expect(keys.current(20)).toBe(2);
    // What works stays in use when the others are worth trying again.
    expect(keys.current(11 * MINUTE_MS)).toBe(2);
  });

  test.each([
    [401, undefined, 10 * MINUTE_MS],
    [402, undefined, 10 * MINUTE_MS],
    [403, 5_000, 10 * MINUTE_MS],
    [429, undefined, 30_000],
    [429, 7_000, 7_000],
    [429, 86_400_000, 10 * MINUTE_MS],
  ])('after %i with a wait of %s it is left alone for %i ms', (status, retryAfterMs, aloneMs) => {
    const keys = createCredentials(['a', 'b']);
    keys.refused(0, status, 1_000, retryAfterMs);
    expect(keys.usable(1_000 + aloneMs - 1)).toBe(1);
    expect(keys.usable(1_000 + aloneMs)).toBe(2);
  });

  test.each([200, 400, 404, 500, 503])('%i says nothing of a key', (status) => {
    const keys = createCredentials(['a', 'b']);
    expect(keys.refused(0, status, 0)).toBe(false);
    expect([keys.current(0), keys.usable(0)]).toEqual([0, 2]);
  });

  test('when all are refused, the one that is usable first is tried all the same', () => {
    const keys = createCredentials(['a', 'b', 'c']);
    expect(keys.refused(0, 401, 0)).toBe(true);
    expect(keys.refused(1, 429, 0, 9_000)).toBe(true);
    expect(keys.refused(2, 429, 0, 60_000)).toBe(false);
    expect(keys.current(0)).toBe(1);
    expect(keys.usable(0)).toBe(0);
  });

  test('a late refusal of a key that is no longer in use moves nothing', () => {
    const keys = createCredentials(['a', 'b', 'c']);
    keys.refused(0, 401, 0);
    keys.refused(1, 429, 0, 1_000);
    expect(keys.refused(0, 401, 2_000)).toBe(true);
    expect(keys.current(2_000)).toBe(2);
  });

  test('a wait of zero moves on too', () => {
    const keys = createCredentials(['a', 'b']);
    expect(keys.refused(0, 429, 0, 0)).toBe(true);
    expect(keys.current(0)).toBe(1);
  });

  test('a longer refusal is not shortened by a late one', () => {
    const keys = createCredentials(['a', 'b']);
    keys.refused(0, 401, 0);
    keys.refused(0, 429, 1, 1_000);
    expect(keys.usable(MINUTE_MS)).toBe(1);
  });

  test('none and one', () => {
    const none = createCredentials([]);
    expect([none.current(0), none.refused(-1, 401, 0), none.usable(0)]).toEqual([-1, false, 0]);
    const one = createCredentials(['a']);
    expect(one.refused(0, 401, 0)).toBe(false);
    expect([one.current(0), one.usable(0)]).toEqual([0, 0]);
  });

  test('a reload keeps what is known of the same list, and forgets it for another', () => {
    const before = createCredentials(['a', 'b']);
    before.refused(0, 401, 0);
    expect(createCredentials(['a', 'b'], before).current(1)).toBe(1);
    expect(createCredentials(['b', 'a'], before).current(1)).toBe(0);
    expect(createCredentials(['a', 'b', 'c'], before).usable(1)).toBe(3);
  });
});
