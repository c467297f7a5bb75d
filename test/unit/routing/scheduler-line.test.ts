import { describe, expect, test } from 'vitest';
import type { Job, ReplicaLease } from '../../../src/routing/scheduling.ts';
import { type SomePool, somePool, target } from '../../support/some-pool.ts';

const SOME_JOB: Job = {
  model: 'm',
  candidates: [target('a')],
  balance: 'least_busy',
  subject: 'key',
  weight: 1,
  priority: 1,
  inputTokens: 1,
  prefix: new Uint32Array(0),
  session: null,
};

/** One replica with one place, which somebody has. */
function taken(): { pool: SomePool; lease: ReplicaLease } {
  const pool = somePool(1);
  pool.replica('a').maxConcurrency = 1;
  return { pool, lease: pool.place({ subject: 'first', inputTokens: 1 }) };
}

/** Ends every lease as soon as it is given; the order in which they were given. */
function served(pool: SomePool, lease: ReplicaLease, output = 0): string {
  let given = 0;
  lease.end('ok', pool.nowMs);
  while (given < pool.told.length) {
    const [name = ''] = (pool.told[given] ?? '').split('@');
    const next = pool.leases.get(name);
    given += 1;
    next?.output(output);
    next?.end('ok', pool.nowMs);
  }
  return pool.told.map((told) => told.split('@')[0]).join(' ');
}

describe('whose turn it is', () => {
  test('one subject: first come, first served', () => {
    const { pool, lease } = taken();
    for (const name of ['x', 'y', 'z']) pool.wait(name);
    expect(served(pool, lease)).toBe('x y z');
  });

  test('two subjects in turn, however many one of them has in line', () => {
    const { pool, lease } = taken();
    for (const name of ['a1', 'a2', 'a3', 'a4']) pool.wait(name, { subject: 'a' });
    for (const name of ['b1', 'b2']) pool.wait(name, { subject: 'b' });
    expect(served(pool, lease)).toBe('a1 b1 a2 b2 a3 a4');
  });

  test('who has long prompts has fewer turns', () => {
    const { pool, lease } = taken();
    for (const name of ['a1', 'a2']) pool.wait(name, { subject: 'a', inputTokens: 300 });
    for (const name of ['b1', 'b2', 'b3', 'b4']) pool.wait(name, { subject: 'b' });
    expect(served(pool, lease)).toBe('a1 b1 b2 b3 a2 b4');
  });

  test('a token of output counts as two of input', () => {
    const { pool, lease } = taken();
    for (const name of ['a1', 'a2', 'a3']) pool.wait(name, { subject: 'a', inputTokens: 10 });
    for (const name of ['b1', 'b2', 'b3']) pool.wait(name, { subject: 'b', inputTokens: 10 });
    lease.end('ok', 0);
    // a1 has its place and answers at length.
    pool.leases.get('a1')?.output(10);
    pool.leases.get('a1')?.end('ok', 0);
    for (const name of ['b1', 'b2', 'b3']) pool.leases.get(name)?.end('ok', 0);
    expect(pool.told.map((told) => told.slice(0, 2)).join(' ')).toBe('a1 b1 b2 b3 a2');
  });

  test('twice the weight has twice the turns', () => {
    const { pool, lease } = taken();
    for (let index = 0; index < 8; index += 1) {
      pool.wait(`a${index}`, { subject: 'a', weight: 2 });
      pool.wait(`b${index}`, { subject: 'b', weight: 1 });
    }
    const order = served(pool, lease).split(' ').slice(0, 9);
    expect(order.filter((name) => name.startsWith('a'))).toHaveLength(6);
  });

  test('who comes back from a pause has saved nothing', () => {
    const { pool, lease } = taken();
    // `late` was served little, long ago; `busy` much since.
    for (let index = 0; index < 5; index += 1) pool.wait(`w${index}`, { subject: 'busy' });
    lease.end('ok', 0);
    for (let index = 0; index < 4; index += 1) pool.leases.get(`w${index}`)?.end('ok', 0);
    const last = pool.leases.get('w4');
    if (last === undefined) throw new Error('w4 has no place');
    pool.told.length = 0;
    for (const name of ['b1', 'b2']) pool.wait(name, { subject: 'busy' });
    for (const name of ['l1', 'l2', 'l3']) pool.wait(name, { subject: 'late' });
    expect(served(pool, last)).toBe('b1 l1 b2 l2 l3');
  });

  test('classes strictly in order, fair within each', () => {
    const { pool, lease } = taken();
    pool.wait('slow1', { priority: 2, subject: 'a' });
    pool.wait('slow2', { priority: 2, subject: 'b' });
    for (const name of ['a1', 'a2']) pool.wait(name, { priority: 1, subject: 'a' });
    pool.wait('b1', { priority: 1, subject: 'b' });
    pool.wait('now', { priority: 0, subject: 'c' });
    expect(served(pool, lease)).toBe('now a1 b1 a2 slow1 slow2');
  });

  test('a job that cannot be placed does not hold up others of its subject', () => {
    const pool = somePool(2);
    for (const replica of pool.replicas.values()) replica.maxConcurrency = 1;
    pool.place({ candidates: [target('a')] });
    const lease = pool.place({ candidates: [target('b')] });
    pool.wait('x', { candidates: [target('a')] });
    pool.wait('y', { candidates: [target('a'), target('b')] });
    lease.end('ok', 0);
    expect(pool.told).toEqual(['y@b']);
  });

  test('nobody overtakes: a place that came free by itself goes to who waits', () => {
    const { pool } = taken();
    pool.wait('patient', { subject: 'p' });
    pool.replica('a').maxConcurrency = 2;
    expect(pool.ask({ subject: 'q' }, 'pushy').kind).toBe('waiting');
    expect(pool.told).toEqual(['patient@a']);
  });

  test('who comes behind others gets a free place at once when it is theirs', () => {
    const { pool } = taken();
    pool.wait('low', { priority: 9 });
    pool.replica('a').maxConcurrency = 2;
    const lease = pool.place({ priority: 1 });
    expect([lease.queuedMs, pool.told]).toEqual([0, []]);
  });

  test('models that share a replica share a line, others do not', () => {
    const pool = somePool(3);
    for (const replica of pool.replicas.values()) replica.maxConcurrency = 1;
    const shared = pool.place({ model: 'one', candidates: [target('a')], inputTokens: 1 });
    const apart = pool.place({ model: 'far', candidates: [target('c')], inputTokens: 1 });
    const wish = (model: string, subject: string, backend: string): Partial<Job> => ({
      model,
      subject,
      candidates: [target(backend)],
    });
    pool.wait('x1', wish('one', 'x', 'a'));
    pool.wait('x2', wish('one', 'x', 'a'));
    pool.wait('y1', wish('two', 'y', 'a'));
    pool.wait('far-x', wish('far', 'x', 'c'));
    pool.wait('far-y', wish('far', 'y', 'c'));
    apart.end('ok', 0);
    expect(served(pool, shared)).toBe('far-x x1 far-y y1 x2');
  });

  test('lines that turn out to share a replica become one', () => {
    const pool = somePool(2);
    for (const replica of pool.replicas.values()) replica.maxConcurrency = 1;
    const [a, b] = [
      pool.place({ model: 'one', candidates: [target('a')] }),
      pool.place({ model: 'two', candidates: [target('b')] }),
    ];
    pool.wait('on-a', { model: 'one', candidates: [target('a')], subject: 'x' });
    pool.wait('on-b', { model: 'two', candidates: [target('b')], subject: 'x' });
    pool.wait('either', { model: 'two', subject: 'x' });
    expect(pool.scheduler.lines().map(({ model, waiting }) => [model, waiting])).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
    b.end('ok', 0);
    expect(pool.told).toEqual(['on-b@b']);
    a.end('ok', 0);
    expect(pool.told).toEqual(['on-b@b', 'on-a@a']);
    for (const name of ['on-a', 'on-b']) pool.leases.get(name)?.end('ok', 0);
    expect(pool.told[2]).toBe('either@a');
    pool.leases.get('either')?.end('ok', 0);
    expect(pool.scheduler.lines()).toEqual([]);
  });
});

describe('in line', () => {
  test('how many come before', () => {
    const { pool } = taken();
    const [a1, a2, a3] = ['a1', 'a2', 'a3'].map((name) => pool.wait(name, { subject: 'a' }));
    const b1 = pool.wait('b1', { subject: 'b' });
    const other = pool.wait('o1', { subject: 'b', model: 'other' });
    const urgent = pool.wait('u1', { subject: 'c', priority: 0 });
    const positions = () =>
      [a1, a2, a3, b1, other, urgent].map((waiting) => waiting?.position()).join(' ');
    // a1 and b1 are first of their subjects; the other model has its own line.
    expect(positions()).toBe('1 3 4 2 0 0');
    urgent.leave();
    a1?.leave();
    expect(positions()).toBe('0 0 2 1 0 0');
  });

  test('who leaves is not served, and leaves once', () => {
    const { pool, lease } = taken();
    const [x, y, z] = ['x', 'y', 'z'].map((name) => pool.wait(name));
    y?.leave();
    y?.leave();
    x?.leave();
    expect(served(pool, lease)).toBe('z');
    z?.leave();
    expect(pool.scheduler.stats()).toMatchObject({ asked: 4, queued: 3, left: 2 });
    expect(pool.scheduler.views(0)[0]?.inFlight).toBe(0);
  });

  test('a line says how long it is, whose, and since when', () => {
    const { pool } = taken();
    pool.nowMs = 1_000;
    pool.wait('x', { subject: 'a' });
    pool.nowMs = 1_500;
    pool.wait('y', { subject: 'b' });
    pool.wait('z', { subject: 'b' });
    expect(pool.scheduler.lines(2_500)).toEqual([
      { model: 'm', waiting: 3, subjects: 2, oldestMs: 1_500 },
    ]);
  });

  test('whoever is given a place may ask and end at once', () => {
    const pool = somePool(1);
    pool.replica('a').maxConcurrency = 1;
    const first = pool.place();
    const order: string[] = [];
    const ask = (left: number) =>
      pool.scheduler.ask(SOME_JOB, 0, {
        onLease: (lease) => {
          order.push(`${left}`);
          if (left > 0) ask(left - 1);
          lease.end('ok', 0);
        },
        onUnavailable: () => {},
      });
    ask(3);
    first.end('ok', 0);
    expect(order.join(' ')).toBe('3 2 1 0');
    expect(pool.scheduler.views(0)[0]?.inFlight).toBe(0);
  });

  test('a place that becomes free while another is given is not forgotten', () => {
    const pool = somePool(2);
    for (const replica of pool.replicas.values()) replica.maxConcurrency = 1;
    const onA = pool.place({ candidates: [target('a')] });
    const onB = pool.place({ candidates: [target('b')] });
    pool.wait('x', { candidates: [target('a')] });
    const asked = pool.scheduler.ask({ ...SOME_JOB, candidates: [target('b'), target('a')] }, 0, {
      onLease: () => onA.end('ok', 0),
      onUnavailable: () => {},
    });
    expect(asked.kind).toBe('waiting');
    onB.end('ok', 0);
    expect(pool.told).toEqual(['x@a']);
  });
});

test('places go on being given when the pool becomes part of another meanwhile', () => {
  const pool = somePool(3);
  const onUnavailable = () => {};
  pool.place({ model: 'x', candidates: [target('b'), target('c')] });
  pool.replica('a').maxConcurrency = 1;
  pool.replica('b').isUp = false;
  pool.place(SOME_JOB);
  const joins = () => {
    const asked = { ...SOME_JOB, candidates: [target('b')] };
    pool.scheduler.ask(asked, 0, { onLease: () => {}, onUnavailable });
  };
  pool.scheduler.ask(SOME_JOB, 0, { onLease: joins, onUnavailable });
  pool.wait('behind', SOME_JOB);
  pool.replica('a').maxConcurrency = 3;
  pool.scheduler.pump(0);
  expect(pool.told).toEqual(['behind@a']);
});
