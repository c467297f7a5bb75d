import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { createGpuShares, type GpuLease } from '../../../src/pricing/gpu-share.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

/** A clock that only the test moves, in microseconds. */
function handClock() {
  let us = 0;
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => us / 1_000 };
  return {
    clock,
    get us() {
      return us;
    },
    advance(byUs: number) {
      us += byUs;
    },
  };
}

describe('GPU time of a request', () => {
  test('alone: all of it', () => {
    const time = handClock();
    const lease = createGpuShares(time.clock).begin('gpu0');
    time.advance(1_234_567);
    expect(lease.end()).toBe(1_234_567);
  });

  test('among others: a share of every moment in which they ran', () => {
    const time = handClock();
    const shares = createGpuShares(time.clock);
    const long = shares.begin('gpu0');
    time.advance(1_000);
    const short = shares.begin('gpu0');
    time.advance(600);
    expect(short.end()).toBe(300);
    time.advance(50);
    expect(long.end()).toBe(1_000 + 300 + 50);
  });

  test('ends once; later calls say the same', () => {
    const time = handClock();
    const shares = createGpuShares(time.clock);
    const first = shares.begin('gpu0');
    const second = shares.begin('gpu0');
    time.advance(100);
    expect(first.end()).toBe(50);
    time.advance(100);
    expect(first.end()).toBe(50);
    expect(second.end()).toBe(150);
  });

  test('idle time is nobody’s, and other backends do not matter', () => {
    const time = handClock();
    const shares = createGpuShares(time.clock);
    const elsewhere = shares.begin('gpu1');
    const first = shares.begin('gpu0');
    time.advance(10);
    expect(first.end()).toBe(10);
    time.advance(1_000_000);
    const second = shares.begin('gpu0');
    time.advance(20);
    expect(second.end()).toBe(20);
    expect(elsewhere.end()).toBe(1_000_030);
  });

  test('a microsecond that cannot be divided goes to one of them', () => {
    const time = handClock();
    const shares = createGpuShares(time.clock);
    const leases = [shares.begin('gpu0'), shares.begin('gpu0'), shares.begin('gpu0')];
    time.advance(1);
    expect(leases.map((lease) => lease.end())).toEqual([0, 0, 1]);
  });

  test('a clock that steps back costs nothing and gives nothing back', () => {
    const time = handClock();
    const shares = createGpuShares(time.clock);
    const first = shares.begin('gpu0');
    time.advance(100);
    const second = shares.begin('gpu0');
    time.advance(-70);
    expect(second.end()).toBe(0);
    time.advance(70);
    expect(first.end()).toBe(100);
  });
});

test('the shares add up to the time in which a backend was busy, to the microsecond', () => {
  const random = createSeededRandom(29);
  for (let round = 0; round < 40; round += 1) {
    const time = handClock();
    const shares = createGpuShares(time.clock);
    const running: { lease: GpuLease; exactUs: number; events: number }[] = [];
    let busyUs = 0;
    let sharedUs = 0;
    const end = (at: number) => {
      const [ended] = running.splice(at, 1);
      if (ended === undefined) return;
      const shareUs = ended.lease.end();
      sharedUs += shareUs;
      expect(shareUs).toBeGreaterThanOrEqual(0);
      // What is carried is less than one microsecond for each request at each event.
      expect(Math.abs(shareUs - ended.exactUs)).toBeLessThanOrEqual(2 + ended.events / 100);
    };
    for (let step = 0; step < 500; step += 1) {
      const passedUs = random.int(10 ** random.int(7));
      time.advance(passedUs);
      if (running.length > 0) busyUs += passedUs;
      for (const one of running) {
        one.exactUs += passedUs / running.length;
        one.events += 1;
      }
      if (random.int(100) < 52)
        running.push({ lease: shares.begin('gpu0'), exactUs: 0, events: 0 });
      else if (running.length > 0) end(random.int(running.length));
    }
    while (running.length > 0) end(running.length - 1);
    expect(sharedUs).toBe(busyUs);
  }
});
