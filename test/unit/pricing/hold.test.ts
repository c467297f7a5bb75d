import { expect, test } from 'vitest';
import { costOf, priceFromUsdPerMillion } from '../../../src/pricing/cost.ts';
import { holdFor } from '../../../src/pricing/hold.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

test('the prompt once, the output for every choice', () => {
  const price = priceFromUsdPerMillion({ input: 1, output: 2 });
  expect(holdFor({ inputTokens: 10, maxOutputTokens: 100, choices: 3 }, price)).toBe(610_000);
});

test('reasoning dearer than output is what is held', () => {
  const price = priceFromUsdPerMillion({ input: 1, cachedInput: 4, output: 2, reasoning: 5 });
  expect(holdFor({ inputTokens: 10, maxOutputTokens: 10, choices: 1 }, price)).toBe(90_000);
});

test('absurd bounds hold the most there is, and do not throw', () => {
  const price = priceFromUsdPerMillion({ input: 1_000, output: 1_000 });
  const worst = { inputTokens: 1, maxOutputTokens: Number.MAX_SAFE_INTEGER, choices: 1e6 };
  expect(holdFor(worst, price)).toBe(Number.MAX_SAFE_INTEGER);
});

test('no settlement inside the bounds exceeds the hold', () => {
  const random = createSeededRandom(3);
  for (let round = 0; round < 2_000; round += 1) {
    const usd = () => random.int(1_000) / 100;
    const price = priceFromUsdPerMillion({
      input: usd(),
      cachedInput: usd(),
      output: usd(),
      reasoning: usd(),
    });
    const worst = {
      inputTokens: random.int(5_000),
      maxOutputTokens: random.int(5_000),
      choices: 1 + random.int(4),
    };
    const inputTokens = random.int(worst.inputTokens + 1);
    const outputTokens = random.int(worst.maxOutputTokens * worst.choices + 1);
    const cost = costOf(
      {
        inputTokens,
        cachedInputTokens: random.int(inputTokens + 1),
        outputTokens,
        reasoningTokens: random.int(outputTokens + 1),
      },
      price,
    );
    expect(cost).toBeLessThanOrEqual(holdFor(worst, price));
  }
});
