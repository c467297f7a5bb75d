import { ZERO_USD } from '../../src/core/money.ts';
import { OUTCOME_NAMES } from '../../src/core/outcome.ts';
import type { Usage } from '../../src/core/usage.ts';
import { costOf } from '../../src/pricing/cost.ts';
import type { FinishedRow } from '../../src/store/rows.ts';
import { aFinishedRow, aPrice } from './request-rows.ts';
import type { SeededRandom } from './seeded-random.ts';

const PRICES = [
  aPrice({ input: 120_001, cachedInput: 30_000, output: 360_000, reasoning: 720_000 }),
  aPrice({
    input: 3_000_000,
    cachedInput: 300_000,
    output: 15_000_000,
    gpuHour: 2_500_000,
    tiers: [{ ...aPrice({ input: 6_000_000, output: 22_500_000 }), aboveInputTokens: 2_000 }],
  }),
];

/** A finished request that the books agree with, of one of a few payers, started in this time. */
export function randomRow(random: SeededRandom, sinceMs: number, spanMs: number): FinishedRow {
  const outcome = random.pick(OUTCOME_NAMES);
  const isRefused = outcome === 'refused';
  const usage = randomUsage(random, isRefused ? 1 : 5_000);
  const price = random.int(4) === 0 ? null : random.pick(PRICES);
  const gpuUs = isRefused ? 0 : random.int(5_000_000);
  const startedAtMs = sinceMs + random.int(spanMs);
  return aFinishedRow({
    keyId: random.pick(['K1', 'K2', 'K3']),
    user: random.pick(['ada', 'bob', null]),
    team: random.pick(['research', null]),
    tenant: random.pick(['acme', null]),
    tags: random.pick([{}, { env: 'prod' }, { env: 'test', app: 'x' }, { app: 'x', env: 'test' }]),
    model: random.pick(['small', 'large']),
    backend: isRefused ? null : random.pick(['gpu0', 'gpu1']),
    endpoint: random.pick(['chat', 'embeddings']),
    outcome,
    startedAtMs,
    finishedAtMs: startedAtMs + random.int(60_000),
    ttftMs: random.int(5) === 0 ? null : random.int(100_000) / 100,
    usage,
    gpuUs,
    price,
    estimated: random.int(3) === 0,
    costNanoUsd: isRefused ? ZERO_USD : price && costOf(usage, price, gpuUs),
  });
}

function randomUsage(random: SeededRandom, below: number): Usage {
  const inputTokens = random.int(below);
  const outputTokens = random.int(below);
  const inputPart = () => random.int(Math.floor(inputTokens / 4) + 1);
  const outputPart = () => random.int(Math.floor(outputTokens / 3) + 1);
  return {
    inputTokens,
    cachedInputTokens: inputPart(),
    cacheWriteTokens: inputPart(),
    audioInputTokens: inputPart(),
    imageInputTokens: inputPart(),
    outputTokens,
    reasoningTokens: outputPart(),
    audioOutputTokens: outputPart(),
    imageOutputTokens: outputPart(),
  };
}
