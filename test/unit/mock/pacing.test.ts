import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import type { Answer } from '../../../src/mock/answer.ts';
import {
  type BehaviourInput,
  DEFAULT_BEHAVIOUR,
  parseBehaviour,
} from '../../../src/mock/behaviour.ts';
import { Delivery } from '../../../src/mock/delivery.ts';
import { createInjection } from '../../../src/mock/injection.ts';
import { createLatencyCurve, latencyAt } from '../../../src/mock/latency-curve.ts';
import { ReplyWriter } from '../../../src/mock/reply-writer.ts';
import { SeededRandom } from '../../../src/mock/seeded-random.ts';
import { Timer, TimerWheel } from '../../../src/mock/timer-wheel.ts';
import { NO_TOKENS } from '../../../src/mock/token-counts.ts';

/** Delivers an answer of `steps` tokens on a clock that the test moves. */
function deliver(input: BehaviourInput, { steps = 10, prompt = 0, isStream = true } = {}) {
  const behaviour = parseBehaviour(DEFAULT_BEHAVIOUR, input);
  const injection = createInjection([]);
  const frames = { opening: '', text: '', finish: '', terminal: '', error: '' };
  const answer: Answer = {
    contentType: 'text/plain',
    counts: { ...NO_TOKENS, prompt, completion: steps },
    usageIn: 'nowhere',
    isFree: false,
    steps,
    choices: 1,
    finishReason: 'stop',
    whole: () => 'whole',
    stream: isStream
      ? {
          opening: () => frames.opening,
          tokens: (from, to) => 'x'.repeat(to - from),
          text: () => frames.text,
          finish: () => frames.finish,
          terminal: () => frames.terminal,
          error: () => frames.error,
        }
      : null,
  };
  const sentAtMs: number[] = [];
  const due: { timer: Timer; atMs: number }[] = [];
  const wheel = {
    set: (timer: Timer, atMs: number) => void due.push({ timer, atMs }),
    cancel: () => {},
  };
  const writer = new ReplyWriter(() => {}, injection.shape, {
    isHttp10: false,
    isHead: false,
    keepAlive: true,
  });
  const delivery = new Delivery(
    { answer, behaviour, injection },
    writer,
    { wheel, random: new SeededRandom(1) },
    {
      headFor: () => ({ status: 200, contentType: null, headers: {} }),
      backlogBytes: () => 0,
      sent: (tokens, nowMs) => sentAtMs.push(...new Array<number>(tokens).fill(nowMs)),
      ended: () => {},
    },
  );
  delivery.start(0);
  return {
    sentAtMs,
    /** Runs to the end; every tick comes `lateMs` after it was due. */
    run(lateMs = 0) {
      for (let next = due.shift(); next !== undefined; next = due.shift()) {
        next.timer.fire(next.atMs + lateMs);
      }
      return sentAtMs;
    },
  };
}

describe('pacing', () => {
  test('the first token after ttft, the others at the rate', () => {
    expect(deliver({ ttft_ms: 200, tps: 50 }, { steps: 4 }).run()).toEqual([200, 220, 240, 260]);
  });

  test('late ticks are caught up: the last token is not later than one tick', () => {
    const sent = deliver({ ttft_ms: 100, tps: 100 }, { steps: 11 }).run(35);
    expect(sent[0]).toBe(135);
    expect(sent.at(-1)).toBeLessThanOrEqual(100 + 10 * 10 + 35);
    for (const [i, atMs] of sent.entries()) expect(atMs).toBeGreaterThanOrEqual(100 + i * 10);
  });

  test('chunks of several tokens keep the rate of the tokens', () => {
    const sent = deliver({ tps: 100, tokens_per_chunk: 4 }, { steps: 10 }).run();
    expect(sent).toEqual([0, 0, 0, 0, 40, 40, 40, 40, 80, 80]);
  });

  test('a long prompt is read first; what was cached is not', () => {
    const behaviour = { ttft_ms: 10, prefill_tps: 1000 };
    expect(deliver(behaviour, { steps: 1, prompt: 500 }).run()).toEqual([510]);
  });

  test('jitter moves tokens within its part of the gap and does not add up', () => {
    const sent = deliver({ tps: 10, jitter: 0.2 }, { steps: 200 }).run();
    const offsets = sent.slice(1).map((atMs, i) => atMs - (i + 1) * 100);
    for (const offset of offsets) expect(Math.abs(offset)).toBeLessThanOrEqual(20);
    expect(new Set(offsets).size).toBeGreaterThan(190);
  });

  test('a whole answer takes as long as its stream', () => {
    const whole = deliver({ ttft_ms: 200, tps: 50 }, { steps: 4, isStream: false });
    expect(whole.run()).toEqual([260, 260, 260, 260]);
  });

  test('without a rate everything comes at once', () => {
    expect(deliver({}, { steps: 3 }).sentAtMs).toEqual([0, 0, 0]);
  });
});

describe('latency percentiles', () => {
  test('are what they say', () => {
    const curve = createLatencyCurve({ p50: 100, p90: 200, p99: 1000 });
    expect([0, 0.5, 0.7, 0.9, 0.945, 0.99, 1].map((at) => latencyAt(curve, at))).toEqual([
      50,
      100,
      expect.closeTo(150),
      200,
      expect.closeTo(600),
      1000,
      1000,
    ]);
  });

  test('hold for whole answers, whose tokens take no more time', () => {
    const latency_ms = { p50: 100, p99: 100 };
    const sent = deliver({ latency_ms, tps: 1 }, { steps: 5, isStream: false }).run();
    expect(sent[0]).toBeLessThanOrEqual(100);
    expect(sent[0]).toBeGreaterThanOrEqual(50);
  });

  test('give way to a time to first token that is asked for nearer by', () => {
    const base = parseBehaviour(DEFAULT_BEHAVIOUR, { latency_ms: { p50: 100 } });
    expect(parseBehaviour(base, { tps: 1 }).latency).not.toBeNull();
    expect(parseBehaviour(base, { ttft_ms: 5 }).latency).toBeNull();
  });
});

describe('timer wheel', () => {
  /** Sets timers so many milliseconds from now; resolves with their names as they fire. */
  async function fire(delays: Record<string, number>, cancel: string[] = []): Promise<string[]> {
    const wheel = new TimerWheel(systemClock);
    const fired: string[] = [];
    const startMs = systemClock.monotonicMs();
    const timers = new Map<string, Timer>();
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const [name, delayMs] of Object.entries(delays)) {
      const timer = new Timer((nowMs) => {
        expect(nowMs).toBeGreaterThanOrEqual(startMs + delayMs);
        fired.push(name);
        if (name === 'last') resolve();
        // Whoever of the two fires first stops the other, though both are due in one tick.
        const rival = { east: 'west', west: 'east' }[name];
        if (rival !== undefined) wheel.cancel(timers.get(rival) as Timer);
      });
      timers.set(name, timer);
      wheel.set(timer, startMs + delayMs);
    }
    for (const name of cancel) wheel.cancel(timers.get(name) as Timer);
    await promise;
    wheel.stop();
    return fired;
  }

  test('fires in time order, never early, each once', async () => {
    expect(await fire({ b: 8, a: 3, last: 14, past: -5 })).toEqual(['past', 'a', 'b', 'last']);
  });

  test('one that shares a slot a turn later waits for its turn', async () => {
    expect(await fire({ later: 4096 + 3, soon: 3, last: 6 })).toEqual(['soon', 'last']);
  });

  test('cancelled timers stay silent, also within a tick', async () => {
    expect(await fire({ a: 2, b: 2, last: 6 }, ['a'])).toEqual(['b', 'last']);
    expect(await fire({ east: 2, west: 2, last: 6 })).toHaveLength(2);
  });

  test('a timer can set itself again while it fires', async () => {
    const wheel = new TimerWheel(systemClock);
    const { promise, resolve } = Promise.withResolvers<void>();
    const firedMs: number[] = [];
    const timer = new Timer((nowMs) => {
      firedMs.push(nowMs);
      if (firedMs.length === 3) resolve();
      else wheel.setIn(timer, 1);
    });
    wheel.setIn(timer, 1);
    await promise;
    for (const [i, ms] of firedMs.slice(1).entries()) {
      expect(ms).toBeGreaterThanOrEqual((firedMs[i] ?? 0) + 1);
    }
    expect(wheel.count).toBe(0);
  });

  test('has nothing left when all have fired', async () => {
    const wheel = new TimerWheel(systemClock);
    const { promise, resolve } = Promise.withResolvers<void>();
    wheel.setIn(new Timer(() => resolve()), 1);
    expect(wheel.count).toBe(1);
    await promise;
    expect(wheel.count).toBe(0);
  });
});
