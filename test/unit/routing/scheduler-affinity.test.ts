import { describe, expect, test } from 'vitest';
import { somePool, target } from '../../support/some-pool.ts';

/** A chain that shares so many blocks with all others of the same name. */
function chain(blocks: number, from = 1): Uint32Array {
  return Uint32Array.from({ length: blocks }, (_, block) => from * 1_000 + block);
}

describe('sticky', () => {
  test('a conversation goes back to the replica that has read it', () => {
    const pool = somePool(3);
    pool.place({ balance: 'sticky' });
    const first = pool.place({ balance: 'sticky', prefix: chain(4), inputTokens: 400 });
    expect([first.target.backend, first.reason]).toEqual(['b', 'least_busy']);
    first.end('ok', 10);
    const next = pool.place({ balance: 'sticky', prefix: chain(6), inputTokens: 600 });
    expect([next.target.backend, next.reason]).toEqual(['b', 'prefix']);
    expect(pool.scheduler.stats()).toMatchObject({ prefixHits: 1, prefixEntries: 6 });
  });

  test('the longest match decides, not the newest', () => {
    const pool = somePool(3);
    const at = (backend: string, prefix: Uint32Array) =>
      pool.place({ balance: 'sticky', prefix, candidates: [target(backend), target('z')] });
    at('b', chain(8)).end('ok', 0);
    at('c', chain(3)).end('ok', 0);
    expect(pool.place({ balance: 'sticky', prefix: chain(9) }).target.backend).toBe('b');
  });

  test('new conversations go where the least is to be read', () => {
    const pool = somePool(2);
    pool.place({ balance: 'sticky', prefix: chain(4, 1), inputTokens: 9_000 });
    const second = pool.place({ balance: 'sticky', prefix: chain(4, 2), inputTokens: 100 });
    const third = pool.place({ balance: 'sticky', prefix: chain(4, 3), inputTokens: 100 });
    expect([second, third].map((lease) => lease.target.backend)).toEqual(['b', 'b']);
  });

  test('idle replicas fill their caches alike', () => {
    const pool = somePool(3);
    const chosen = [1, 2, 3].map((from) => {
      const prefix = chain(4, from);
      const lease = pool.place({ balance: 'sticky', prefix, inputTokens: 5_000 });
      lease.end('ok', 0);
      return lease.target.backend;
    });
    expect(chosen.join('')).toBe('abc');
  });

  test('affinity gives way when too much is waiting to be read there', () => {
    const pool = somePool(2, { stickyTokens: 10_000 });
    const wish = { balance: 'sticky', prefix: chain(10), inputTokens: 10_000 } as const;
    pool.place(wish).end('ok', 0);
    const unread = { candidates: [target('a')], inputTokens: 9_000 };
    pool.place(unread);
    const next = { ...wish, prefix: chain(11), inputTokens: 11_000 };
    const kept = pool.place(next);
    expect([kept.target.backend, kept.reason]).toEqual(['a', 'prefix']);
    expect(pool.scheduler.views(0)[0]?.prefillTokens).toBe(10_000);
    kept.end('ok', 0);
    pool.place(unread);
    const lost = pool.place({ ...next, prefix: chain(12) });
    expect([lost.target.backend, lost.reason]).toEqual(['b', 'overflow']);
  });

  test('unless reading all of it elsewhere would take longer still', () => {
    const pool = somePool(2, { stickyTokens: 10_000 });
    const wish = { balance: 'sticky', prefix: chain(10), inputTokens: 20_000 } as const;
    pool.place(wish).end('ok', 0);
    pool.place({ candidates: [target('a')], inputTokens: 11_000 });
    const lease = pool.place(wish);
    expect([lease.target.backend, lease.reason]).toEqual(['a', 'prefix']);
  });

  test('the first token gives back what was to be read', () => {
    const pool = somePool(2);
    const lease = pool.place({ inputTokens: 8_000 });
    expect(pool.scheduler.views(0)[0]).toMatchObject({ inFlight: 1, prefillTokens: 8_000 });
    lease.firstToken(250);
    lease.firstToken(900);
    const [view] = pool.scheduler.views(900);
    expect(view).toMatchObject({ inFlight: 1, prefillTokens: 0, ttftMs: 250 });
  });

  test('an empty replica takes a prompt however long', () => {
    const pool = somePool(2);
    pool.place({ balance: 'sticky', prefix: chain(10), inputTokens: 1_000 }).end('ok', 0);
    const lease = pool.place({ balance: 'sticky', prefix: chain(100), inputTokens: 90_000 });
    expect([lease.target.backend, lease.reason]).toEqual(['a', 'prefix']);
  });

  test('a replica is empty again however its prompts were divided', () => {
    const pool = somePool(2, { stickyTokens: 10_000 });
    const place = (prefix: Uint32Array, inputTokens: number) =>
      pool.place({
        ...{ balance: 'sticky', prefix, inputTokens },
        candidates: [target('a'), target('z')],
      });
    const busy = pool.place({ candidates: [target('a'), target('z')], session: 's' });
    busy.firstToken(0);
    place(chain(1), 100).end('ok', 0);
    // Two thirds of each are to be read, and given back in another order than they were taken.
    const [one, two, three] = [8, 18, 30].map((tokens) =>
      place(Uint32Array.of(1_000, tokens, 100 + tokens), tokens),
    );
    for (const lease of [two, one, three]) lease?.end('ok', 0);
    const long = pool.place({ session: 's', inputTokens: 100_000 });
    expect([long.target.backend, long.reason]).toEqual(['a', 'session']);
  });

  test('affinity gives way to a place, and to the others when it has far more requests', () => {
    const full = somePool(2);
    full.replica('a').maxConcurrency = 1;
    full.place({ balance: 'sticky', prefix: chain(4) });
    const next = full.place({ balance: 'sticky', prefix: chain(5) });
    expect([next.target.backend, next.reason]).toEqual(['b', 'overflow']);

    const busy = somePool(2);
    const wish = { balance: 'sticky', prefix: chain(4), inputTokens: 10 } as const;
    const places = busy.places(12, wish);
    expect(places.slice(0, 5).join('')).toBe('aaaaa');
    expect(places).toContain('b');
  });

  test('a beginning that is hardly a part of the prompt decides nothing', () => {
    const pool = somePool(2);
    pool.place({ balance: 'sticky', prefix: chain(1) });
    const prefix = Uint32Array.from([...chain(1), ...chain(39, 2)]);
    const lease = pool.place({ balance: 'sticky', prefix });
    expect([lease.target.backend, lease.reason]).toEqual(['b', 'least_busy']);
  });

  test('a replica that died is forgotten for the time being', () => {
    const pool = somePool(2);
    pool.place({ balance: 'sticky', prefix: chain(4) });
    pool.replica('a').isUp = false;
    expect(pool.place({ balance: 'sticky', prefix: chain(4) }).target.backend).toBe('b');
  });
});

describe('sessions', () => {
  test.each(['round_robin', 'sticky', 'least_busy'] as const)('%s: one replica', (balance) => {
    const pool = somePool(3);
    const first = pool.place({ balance, session: 's1' });
    pool.place({ balance, session: 's2' });
    const again = pool.place({ balance, session: 's1' });
    expect([first.target.backend, again.target.backend, again.reason]).toEqual([
      'a',
      'a',
      'session',
    ]);
    expect(pool.scheduler.stats().sessions).toBe(2);
  });

  test('the same name for another model is another session', () => {
    const pool = somePool(2);
    pool.place({ session: 's', model: 'one' });
    const other = pool.place({ session: 's', model: 'two' });
    expect([other.target.backend, other.reason]).toEqual(['b', 'least_busy']);
  });

  test('a full replica loses it to another, which keeps it', () => {
    const pool = somePool(2);
    pool.replica('a').maxConcurrency = 1;
    const first = pool.place({ session: 's' });
    const second = pool.place({ session: 's' });
    expect([second.target.backend, second.reason]).toEqual(['b', 'overflow']);
    first.end('ok', 0);
    expect(pool.place({ session: 's' }).target.backend).toBe('b');
  });

  test('a replica that is gone is no overflow', () => {
    const pool = somePool(3);
    pool.place({ session: 's' });
    pool.replica('a').isUp = false;
    const lease = pool.place({ session: 's' });
    expect([lease.target.backend, lease.reason]).toEqual(['b', 'least_busy']);
  });
});
