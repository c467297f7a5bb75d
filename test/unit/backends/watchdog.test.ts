import { afterEach, expect, test } from 'vitest';
import { startWatchdog, type Watch, type Watchdog } from '../../../src/backends/watchdog.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const opened: Watchdog[] = [];
afterEach(() => {
  for (const watchdog of opened.splice(0)) watchdog.close();
});

function setUp() {
  const clock = createFakeClock();
  const watchdog = startWatchdog(clock, 3_600_000);
  opened.push(watchdog);
  const fired: string[] = [];
  const watch = (name: string, inMs: number): Watch => {
    const created = { dueMs: clock.monotonicMs() + inMs, onDue: () => void fired.push(name) };
    watchdog.add(created);
    return created;
  };
  return { clock, watchdog, fired, watch };
}

test('a watch fires once, when its time has come', () => {
  const { clock, watchdog, fired, watch } = setUp();
  const early = watch('early', 100);
  watch('late', 200);
  watch('never', Number.POSITIVE_INFINITY);
  clock.advance(99);
  watchdog.tick();
  expect(fired).toEqual([]);
  clock.advance(1);
  watchdog.tick();
  watchdog.tick();
  expect(fired).toEqual(['early']);
  expect(early.dueMs).toBe(Number.POSITIVE_INFINITY);
  clock.advance(100);
  watchdog.tick();
  expect(fired).toEqual(['early', 'late']);
});

test('moving a deadline is an assignment, also from onDue', () => {
  const { clock, watchdog, fired, watch } = setUp();
  const moved = watch('moved', 100);
  moved.dueMs += 100;
  let again = 2;
  const repeating: Watch = {
    dueMs: clock.monotonicMs() + 50,
    onDue() {
      fired.push('repeating');
      if (--again > 0) repeating.dueMs = clock.monotonicMs() + 50;
    },
  };
  watchdog.add(repeating);
  for (let passed = 0; passed < 4; passed++) {
    clock.advance(50);
    watchdog.tick();
  }
  expect(fired).toEqual(['repeating', 'repeating', 'moved']);
});

test('a removed watch does not fire, even when removed by another in the same tick', () => {
  const { clock, watchdog, fired, watch } = setUp();
  const second: Watch = { dueMs: Number.POSITIVE_INFINITY, onDue: () => void fired.push('second') };
  watchdog.add({ dueMs: clock.monotonicMs() + 10, onDue: () => watchdog.remove(second) });
  second.dueMs = clock.monotonicMs() + 10;
  watchdog.add(second);
  watchdog.remove(watch('gone', 10));
  expect(watchdog.size).toBe(2);
  clock.advance(10);
  watchdog.tick();
  expect(fired).toEqual([]);
  expect(watchdog.size).toBe(1);
});

test('a watch that throws does not keep the others from their deadline', () => {
  const { clock, watchdog, fired, watch } = setUp();
  watchdog.add({
    dueMs: clock.monotonicMs() + 10,
    onDue() {
      throw new Error('a bug');
    },
  });
  watch('healthy', 10);
  clock.advance(10);
  expect(() => watchdog.tick()).toThrow('a bug');
  expect(fired).toEqual(['healthy']);
});

test('ticks by itself', async () => {
  const watchdog = startWatchdog(systemClock, 5);
  opened.push(watchdog);
  const { promise, resolve } = Promise.withResolvers<void>();
  // The interval does not keep the process alive; something in the test has to.
  const alive = setInterval(() => {}, 1_000);
  watchdog.add({ dueMs: systemClock.monotonicMs() + 5, onDue: resolve });
  await promise;
  clearInterval(alive);
});

test('after a standstill of the process, sockets are read before deadlines are judged', async () => {
  const fake = createFakeClock();
  let looks = 0;
  const clock = {
    nowMs: fake.nowMs,
    monotonicMs() {
      looks++;
      return fake.monotonicMs();
    },
  };
  const watchdog = startWatchdog(clock, 1);
  opened.push(watchdog);
  const alive = setInterval(() => {}, 1_000);
  const { promise, resolve } = Promise.withResolvers<number>();
  watchdog.add({ dueMs: fake.monotonicMs() + 500, onDue: () => resolve(looks) });
  fake.advance(60_000);
  looks = 0;
  // One look finds the standstill and lets a turn pass; the next two see and judge the deadline.
  expect(await promise).toBe(3);
  clearInterval(alive);
});
