import { CONTENT_MODES, type Key, type KeyLimits, WINDOWS } from '../../src/core/key.ts';
import type { SeededRandom } from './seeded-random.ts';

/** A key of any shape that the database can hold, with the id. */
export function randomKey(id: string, random: SeededRandom): Key {
  const often = <Value>(value: Value): Value | null => (random.int(3) > 0 ? value : null);
  const createdAtMs = random.int(2 ** 41);
  return {
    id,
    name: randomText(random),
    user: often(randomText(random)),
    team: often(`team-${random.int(50)}`),
    tenant: often(randomText(random)),
    status: random.pick(['active', 'suspended', 'revoked']),
    createdAtMs,
    expiresAtMs: often(random.int(2 ** 45)),
    secrets: Array.from({ length: random.int(4) }, () => ({
      digest: Uint8Array.from({ length: 32 }, () => random.int(256)),
      createdAtMs: random.pick([createdAtMs, 0, random.int(2 ** 41)]),
      expiresAtMs: often(random.int(2 ** 41)),
    })),
    models: often(Array.from({ length: random.int(3) }, () => randomText(random))),
    endpoints: often(random.pick([[], ['chat'], ['chat', 'embeddings']] as const)),
    limits: randomLimits(random),
    tags: random.pick([{}, { project: randomText(random) }, { __proto__x: 'a', b: '' }]),
    content: often(random.pick(CONTENT_MODES)),
  };
}

function randomLimits(random: SeededRandom): KeyLimits {
  const some = () => (random.int(4) === 0 ? random.int(2 ** 40) : null);
  const budget = some();
  const tokens = some();
  return {
    requestsPerMinute: some(),
    tokensPerMinute: some(),
    concurrency: some(),
    budget: budget === null ? null : { nanoUsd: budget, window: random.pick(WINDOWS) },
    tokenBudget: tokens === null ? null : { tokens, window: random.pick(WINDOWS) },
    maxOutputTokens: some(),
  };
}

const LETTERS = ['a', 'Z', '0', '-', ' ', '"', '\\', '\n', '\0', '\x1f', 'ü', '你', '😀'];

function randomText(random: SeededRandom): string {
  const length = random.pick([0, 1, 5, 20, 200]);
  return Array.from({ length }, () => random.pick(LETTERS)).join('');
}
