import { describe, expect, test } from 'vitest';
import { BALANCES } from '../../../src/routing/balance.ts';
import type { Job } from '../../../src/routing/scheduling.ts';
import { somePool, target } from '../../support/some-pool.ts';

const JOB: Job = {
  ...{ model: 'm', candidates: [target('a'), target('b'), target('c')], balance: 'least_busy' },
  ...{ subject: 'alice', weight: 1, priority: 0, inputTokens: 100 },
  ...{ prefix: new Uint32Array(0), session: null },
};

describe.each([...BALANCES])('%s', (balance) => {
  test('whoever asks next gets what a look has said, however often one looks', () => {
    const looked = somePool(3);
    const other = somePool(3);
    const wish = { balance, prefix: Uint32Array.of(1, 2, 3), inputTokens: 100 };
    for (let round = 0; round < 7; round += 1) {
      for (let look = 0; look < 3; look += 1) {
        const peek = looked.scheduler.peek({ ...JOB, ...wish }, looked.nowMs);
        const asked = look < 2 ? undefined : looked.place({ ...JOB, ...wish });
        if (asked === undefined) continue;
        expect(peek).toMatchObject({ kind: 'place', reason: asked.reason });
        expect(peek.kind === 'place' && peek.target.backend).toBe(asked.target.backend);
        expect(asked.target.backend).toBe(other.place({ ...JOB, ...wish }).target.backend);
      }
    }
    expect(looked.scheduler.stats()).toEqual(other.scheduler.stats());
    expect(looked.scheduler.views(0)).toEqual(other.scheduler.views(0));
  });
});

test('a session that nobody has begun is not begun by a look', () => {
  const pool = somePool(3);
  const wish = { ...JOB, session: 's' };
  pool.scheduler.peek(wish, 0);
  expect(pool.scheduler.stats().sessions).toBe(0);
});

test('full backends: a place in line, until the lines are full; gone ones: nobody', () => {
  const pool = somePool(1, { maxWaiting: 1 });
  const wish = { ...JOB, candidates: [target('a')] };
  pool.replica('a').maxConcurrency = 1;
  pool.place(wish);
  expect(pool.scheduler.peek(wish, 0)).toMatchObject({ kind: 'line', before: 0 });
  pool.wait('one', wish);
  expect(pool.scheduler.peek(wish, 0)).toMatchObject({ kind: 'refused', why: 'full' });
  pool.replica('a').isUp = false;
  expect(pool.scheduler.peek(wish, 0)).toMatchObject({ kind: 'refused', why: 'unavailable' });
  expect(pool.scheduler.stats().queued).toBe(1);
});
