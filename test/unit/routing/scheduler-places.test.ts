import { describe, expect, test } from 'vitest';
import { somePool, target } from '../../support/some-pool.ts';

describe('places', () => {
  test('no more than configured, and each is given back once', () => {
    const pool = somePool(1);
    pool.replica('a').maxConcurrency = 2;
    const [first] = [pool.place(), pool.place()];
    expect(pool.ask().kind).toBe('waiting');
    expect(pool.scheduler.views(0)).toMatchObject([{ backend: 'a', inFlight: 2, places: 2 }]);
    first.end('ok', 1);
    first.end('failed', 2);
    first.firstToken(3);
    expect(pool.scheduler.views(3)[0]).toMatchObject({ inFlight: 2, failureRate: 0, ttftMs: null });
    expect(pool.told).toEqual(['somebody@a']);
  });

  test('a model has no more than its limit, wherever its replicas are', () => {
    const pool = somePool(2, { modelConcurrency: new Map([['m', 3]]) });
    const [first] = [pool.place(), pool.place(), pool.place()];
    pool.wait('fourth');
    expect(pool.ask({ model: 'other' }).kind).toBe('lease');
    first.end('ok', 0);
    expect(pool.told).toEqual(['fourth@a']);
  });

  test('an engine without a bound takes everything, until its own queue is full', () => {
    const pool = somePool(1, { engineQueue: 4 });
    pool.places(20);
    pool.replica('a').load = { running: 16, waiting: 3, kvUsed: 0.5 };
    pool.places(1);
    pool.replica('a').load = { running: 16, waiting: 4, kvUsed: 0.5 };
    pool.wait('next');
    expect(pool.scheduler.views(0)[0]).toMatchObject({ inFlight: 21, places: 20 });
  });

  test('a queue that has emptied does not let a whole line go', () => {
    const pool = somePool(1, { engineQueue: 4 });
    const leases = Array.from({ length: 20 }, () => pool.place());
    pool.replica('a').load = { running: 16, waiting: 4, kvUsed: 0.5 };
    for (let index = 0; index < 30; index += 1) pool.wait(`w${index}`);
    for (const lease of leases.slice(0, 6)) lease.end('ok', 0);
    // As many as have ended: the report is the same.
    expect(pool.told).toHaveLength(6);
    pool.replica('a').load = { running: 18, waiting: 0, kvUsed: 0.5 };
    pool.scheduler.pump(0);
    expect(pool.told).toHaveLength(8);
    expect(pool.scheduler.views(0)[0]?.places).toBe(22);
  });

  test('it is unbounded again once nobody waits', () => {
    const pool = somePool(1, { engineQueue: 4 });
    pool.replica('a').load = { running: 2, waiting: 4, kvUsed: 0.5 };
    pool.place();
    const waiting = pool.wait('one');
    waiting.leave();
    pool.replica('a').load = { running: 2, waiting: 0, kvUsed: 0.5 };
    expect(pool.places(20)).toHaveLength(20);
    expect(pool.scheduler.views(0)[0]?.places).toBeNull();
  });

  test('what others have in the engine takes places, but never the last', () => {
    const pool = somePool(1, { engineQueue: 4 });
    pool.replica('a').load = { running: 16, waiting: 4, kvUsed: 0.5 };
    pool.place();
    pool.wait('second');
    expect(pool.scheduler.views(0)[0]).toMatchObject({ inFlight: 1, places: 1 });
  });

  test('an engine that says nothing any more has no bound', () => {
    const pool = somePool(1);
    pool.replica('a').load = { running: 16, waiting: 9, kvUsed: 0.5 };
    pool.place();
    pool.wait('second');
    pool.replica('a').load = null;
    pool.scheduler.pump(0);
    expect(pool.told).toEqual(['second@a']);
  });

  test('an engine queue of nothing still gives one place', () => {
    const pool = somePool(1, { engineQueue: 0 });
    pool.replica('a').load = { running: 0, waiting: 0, kvUsed: null };
    expect(pool.places(3)).toHaveLength(3);
  });
});

describe('refusals', () => {
  test('nobody accepts and nobody is coming', () => {
    const pool = somePool(2);
    pool.replica('a').isUp = false;
    pool.replica('b').isUp = false;
    expect(pool.ask()).toEqual({ kind: 'refused', why: 'unavailable' });
    expect(pool.ask({ candidates: [target('gone')] })).toEqual({
      kind: 'refused',
      why: 'unavailable',
    });
  });

  test('one that is coming is waited for', () => {
    const pool = somePool(2);
    pool.replica('a').isUp = false;
    pool.replica('b').isUp = false;
    pool.replica('b').isComing = true;
    pool.wait('patient');
    pool.scheduler.pump(10);
    expect(pool.told).toEqual([]);
    pool.replica('b').isUp = true;
    pool.scheduler.pump(20);
    expect(pool.told).toEqual(['patient@b']);
    expect(pool.leases.get('patient')?.queuedMs).toBe(20);
  });

  test('who waits for what has vanished is told once', () => {
    const pool = somePool(2);
    pool.replica('a').maxConcurrency = 1;
    const lease = pool.place({ candidates: [target('a')] });
    pool.wait('one', { candidates: [target('a')] });
    pool.wait('two', { candidates: [target('a')], priority: 5 });
    pool.replicas.delete('a');
    pool.scheduler.pump(0);
    pool.scheduler.pump(0);
    expect(pool.told).toEqual(['one unavailable', 'two unavailable']);
    lease.end('failed', 0);
    expect(pool.scheduler.lines()).toEqual([]);
  });

  test('so many may wait, in all lines together', () => {
    const pool = somePool(2, { maxWaiting: 2 });
    for (const replica of pool.replicas.values()) replica.maxConcurrency = 1;
    const lease = pool.place({ candidates: [target('a')], model: 'one' });
    pool.place({ candidates: [target('b')], model: 'two' });
    pool.wait('first', { candidates: [target('a')], model: 'one' });
    const second = pool.wait('second', { candidates: [target('b')], model: 'two' });
    const full = { kind: 'refused', why: 'full' };
    expect(pool.ask({ candidates: [target('a')], model: 'one' })).toEqual(full);
    expect(pool.ask({ candidates: [target('b')], model: 'two' })).toEqual(full);
    second.leave();
    expect(pool.ask({ candidates: [target('b')], model: 'two' }).kind).toBe('waiting');
    expect(pool.scheduler.stats()).toMatchObject({ queued: 3, refusedFull: 2, left: 1 });
    lease.end('ok', 0);
    expect(pool.told).toEqual(['first@a']);
  });

  test('a full line does not refuse who can have a place at once', () => {
    const pool = somePool(2, { maxWaiting: 1 });
    pool.replica('a').maxConcurrency = 0;
    pool.wait('first', { candidates: [target('a')] });
    expect(pool.place({ candidates: [target('a'), target('b')] }).target.backend).toBe('b');
  });
});
