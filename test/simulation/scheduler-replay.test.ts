import { expect, test } from 'vitest';
import { createSeededRandom } from '../support/seeded-random.ts';
import { replay } from '../support/simulation/scheduler-replay.ts';
import { endlessHitRate, makeTrace, parseTrace } from '../support/simulation/scheduler-trace.ts';

const SHAPE = {
  prefillTokensPerS: 8_000,
  decodeBaseMs: 12,
  decodePerRequestMs: 0.3,
  cacheBlocks: 8_000,
  blockTokens: 512,
};

test('conversations find their cache, and no replica gets much more than the others', () => {
  const trace = makeTrace(createSeededRandom(1), 5_000);
  const play = (balance: 'sticky' | 'round_robin' | 'least_busy') =>
    replay(trace, { balance, replicas: 8, stickyTokens: 131_072, shape: SHAPE });
  const sticky = play('sticky');
  const roundRobin = play('round_robin');
  const leastBusy = play('least_busy');
  expect(endlessHitRate(trace)).toBeGreaterThan(0.3);
  expect(sticky.ofEndless).toBeGreaterThan(0.9);
  expect(sticky.maxToMean).toBeLessThan(1.3);
  for (const other of [roundRobin, leastBusy]) {
    expect(other.ofEndless).toBeLessThan(0.4);
    expect(sticky.ttftP50Ms).toBeLessThan(other.ttftP50Ms * 0.7);
    expect(sticky.ttftP99Ms).toBeLessThan(other.ttftP99Ms);
  }
});

test('a prompt that everybody shares does not keep everybody on one machine', () => {
  const shared = Array.from({ length: 12 }, (_, block) => block);
  const trace = Array.from({ length: 4_000 }, (_, index) => ({
    timestampMs: index * 20,
    inputTokens: 6_200,
    outputTokens: 200,
    blocks: [...shared, 1_000 + index],
  }));
  const report = replay(trace, {
    balance: 'sticky',
    replicas: 8,
    stickyTokens: 131_072,
    shape: SHAPE,
  });
  expect(report.ofEndless).toBeGreaterThan(0.95);
  // For its cache a replica may have a quarter more requests than the mean, and four.
  expect(report.maxToMean).toBeLessThan(1.4);
});

test('a line of a trace is read as Mooncake writes it', () => {
  const text = '{"timestamp": 5, "input_length": 700, "output_length": 9, "hash_ids": [0, 3]}\n';
  const request = { timestampMs: 5, inputTokens: 700, outputTokens: 9, blocks: [0, 3] };
  expect(parseTrace(text)).toEqual([request]);
  expect(() => parseTrace(`${text}{"timestamp": 5}\n`)).toThrow('line 2');
});
