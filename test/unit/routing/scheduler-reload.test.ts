import { describe, expect, test } from 'vitest';
import { SOME_SETTINGS, somePool, target } from '../../support/some-pool.ts';

describe('replaceSettings', () => {
  test('leases and lines stay, and the new limits count', () => {
    const pool = somePool(1, { modelConcurrency: new Map([['m', 1]]) });
    const lease = pool.place();
    pool.wait('x');
    pool.wait('y');
    pool.scheduler.replaceSettings({ ...SOME_SETTINGS, modelConcurrency: new Map([['m', 2]]) });
    pool.scheduler.pump(0);
    expect(pool.told).toEqual(['x@a']);
    lease.end('ok', 0);
    expect(pool.told).toEqual(['x@a', 'y@a']);
    for (const name of ['x', 'y']) pool.leases.get(name)?.end('ok', 0);
    expect(pool.scheduler.views(0)).toMatchObject([{ inFlight: 0 }]);
  });

  test('a lease outlives its replica', () => {
    const pool = somePool(2);
    const lease = pool.place({ candidates: [target('b')] });
    pool.replicas.delete('b');
    pool.scheduler.replaceSettings(SOME_SETTINGS);
    expect(pool.scheduler.views(0).map(({ backend }) => backend)).toEqual([]);
    lease.output(5);
    lease.end('ok', 0);
    lease.end('ok', 0);
    pool.scheduler.replaceSettings(SOME_SETTINGS);
    expect(pool.place().target.backend).toBe('a');
  });

  test('a new replica knows no prompts of the one that had its number', () => {
    const pool = somePool(2);
    const prefix = Uint32Array.of(1, 2, 3, 4);
    const wish = { balance: 'sticky', prefix, inputTokens: 400 } as const;
    pool.place({ ...wish, candidates: [target('a'), target('gone')] }).end('ok', 0);
    expect(pool.place(wish).reason).toBe('prefix');
    for (let round = 0; round < 2; round += 1) {
      for (const id of ['a', 'b']) pool.replicas.delete(id);
      pool.scheduler.replaceSettings(SOME_SETTINGS);
    }
    const fresh = somePool(2);
    for (const id of ['a', 'b']) pool.replicas.set(`new-${id}`, fresh.replica(id));
    const candidates = [target('new-b'), target('new-a')];
    expect(pool.place({ ...wish, candidates }).reason).toBe('least_busy');
  });

  test('models that shared a replica part when nobody waits', () => {
    const pool = somePool(2);
    pool.place({ model: 'one' });
    const lease = pool.place({ model: 'two', candidates: [target('b')] });
    pool.scheduler.replaceSettings(SOME_SETTINGS);
    pool.replica('b').maxConcurrency = 1;
    pool.wait('x', { model: 'two', candidates: [target('b')] });
    lease.end('ok', 0);
    expect(pool.told).toEqual(['x@b']);
  });
});
