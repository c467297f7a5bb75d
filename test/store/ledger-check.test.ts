import { expect, test } from 'vitest';
import { nanoUsd, ZERO_USD } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { openBooks } from '../../src/store/books.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { aFinishedRow, anOpenRow, aPrice } from '../support/request-rows.ts';
import { tempDir } from '../support/temp-store.ts';

const price = aPrice({
  input: 1_000_000,
  cachedInput: 500_000,
  output: 2_000_000,
  reasoning: 2_000_000,
});
const usage = {
  ...NO_USAGE,
  inputTokens: 10,
  cachedInputTokens: 2,
  outputTokens: 5,
  reasoningTokens: 1,
};
const ID = '0197a3c2-5e00-7abc-8def-0123456789ab';

function openLab() {
  const db = openDatabase(tempDir(), 'process');
  const writer = openLedgerWriter(db);
  writer.begin();
  const attempt = {
    attempt: 1,
    backend: 'gpu0',
    startedAtMs: 1,
    durationMs: 1,
    code: null,
    status: 200,
  };
  writer.settle(
    aFinishedRow({ id: ID, price, usage, gpuUs: 1_000, costNanoUsd: nanoUsd(19_000) }),
    [attempt],
  );
  writer.settle(
    aFinishedRow({ outcome: 'refused', code: 'insufficient_quota', backend: null }),
    [],
  );
  writer.settle(aFinishedRow({ estimated: true }), []);
  writer.settle(
    aFinishedRow({ endpoint: 'models', backend: null, usageSource: 'none', costNanoUsd: ZERO_USD }),
    [],
  );
  writer.open(anOpenRow());
  writer.commit();
  return { db, books: openBooks(db) };
}

test('books that agree have no problems, and the sums of their rows', () => {
  const { db, books } = openLab();
  expect(books.check()).toEqual({
    requests: 4,
    open: 1,
    estimated: 1,
    costNanoUsd: 19_000n,
    estimatedNanoUsd: 0n,
    problems: [],
    spend: [
      {
        keyId: 'K00000000001',
        user: null,
        team: null,
        tenant: null,
        model: 'small',
        costNanoUsd: 19_000n,
        tokens: 15n,
      },
    ],
  });
  db.close();
});

test.each([
  [
    'UPDATE requests SET cost_nano_usd = 18999 WHERE seq = 1',
    /cost 18999 nano-dollars, by its price and usage it is 19000/,
  ],
  ['UPDATE requests SET cost_nano_usd = NULL WHERE seq = 1', /cost unknown, by its price/],
  [
    "UPDATE prices SET price = json_set(price, '$.gpu_hour', 3600000000)",
    /cost 19000 nano-dollars, by its price and usage it is 1019000/,
  ],
  [
    'UPDATE requests SET cached_input_tokens = 11 WHERE seq = 1',
    /parts of its input that are more/,
  ],
  [
    'UPDATE requests SET cache_write_tokens = 4, audio_input_tokens = 4, image_input_tokens = 1 WHERE seq = 1',
    /parts of its input that are more/,
  ],
  [
    'UPDATE requests SET audio_output_tokens = 3, image_output_tokens = 2 WHERE seq = 1',
    /parts of its output that are more/,
  ],
  ['UPDATE requests SET input_tokens = -1 WHERE seq = 1', /negative number of tokens/],
  ['UPDATE requests SET gpu_us = -1 WHERE seq = 1', /took less than no GPU time/],
  ['UPDATE requests SET output_tokens = 1 WHERE seq = 2', /was refused and yet used tokens/],
  [
    'UPDATE requests SET cost_nano_usd = 7 WHERE seq = 2',
    /was refused and yet cost 7 nano-dollars/,
  ],
  ['UPDATE requests SET cost_nano_usd = 7 WHERE seq = 4', /asked no backend and yet cost 7/],
  ['UPDATE requests SET price = 99 WHERE seq = 1', /a price that is not stored/],
  ['UPDATE requests SET dimension = 99 WHERE seq = 1', /has no key/],
  ['UPDATE requests SET ending = 99 WHERE seq = 1', /has no outcome/],
  ['UPDATE dimensions SET key = model', /^Dimension 1: the words covered by the chain are/m],
  ['UPDATE open_requests SET dimension = 99', /Open request .* has no key/],
  ['DELETE FROM requests WHERE seq = 3', /Request number 3 is missing/],
  [
    'DELETE FROM requests WHERE seq = 3',
    /sums of the quarter of an hour from 2025-11-20T00:45:00.000Z, K00000000001, .*, served differ/,
  ],
  ['DELETE FROM requests WHERE seq = 4', /sums of the day 2025-11-20, .* belong to no request/],
  ['DELETE FROM requests WHERE seq = 1', /An attempt belongs to request number 1/],
  ['INSERT INTO attempts VALUES (77, 1, 1, 1, 1, 0, NULL)', /belongs to request number 77/],
  [
    'UPDATE requests SET started_at_ms = started_at_ms + 86400000 WHERE seq = 1',
    /sums of the day 2025-11-21, .* differ/,
  ],
  ...['quarter of an hour', 'day', 'month'].flatMap((time, grain): [string, RegExp][] => {
    const differ = new RegExp(`The sums of the ${time} .* differ from their requests`);
    const belong = new RegExp(`The sums of the ${time} .* belong to no request`);
    return [
      [`UPDATE usage_sums SET requests = 9 WHERE grain = ${grain} AND cost_nano_usd > 0`, differ],
      [`UPDATE usage_sums SET image_output_tokens = 1 WHERE grain = ${grain}`, differ],
      [`UPDATE usage_sums SET estimated_cost_nano_usd = 1 WHERE grain = ${grain}`, differ],
      [`UPDATE usage_sums SET ttft = NULL WHERE grain = ${grain}`, differ],
      [`DELETE FROM usage_sums WHERE grain = ${grain}`, differ],
      [`UPDATE usage_sums SET start = start + 1 WHERE grain = ${grain}`, belong],
      [`UPDATE usage_sums SET start = start - 99 WHERE grain = ${grain}`, belong],
    ];
  }),
  ["DELETE FROM meta WHERE name = 'rolled_up_seq'", /sums of the month .* differ/],
  ["UPDATE meta SET value = 9 WHERE name = 'rolled_up_seq'", /claim requests up to number 9/],
  [
    `INSERT INTO open_requests SELECT id, dimension, 0, 1, 1, 1, 0, NULL FROM requests WHERE seq = 1`,
    new RegExp(`Request ${ID} is open and finished at once`),
  ],
])('%s is found', (damage, problem) => {
  const { db, books } = openLab();
  expect(books.check().problems).toEqual([]);
  db.exec(damage);
  expect(books.check().problems.join('\n')).toMatch(problem);
  db.close();
});

test('a thousand problems are counted, and a hundred told', () => {
  const { db, books } = openLab();
  const writer = openLedgerWriter(db);
  writer.begin();
  for (let n = 0; n < 1_000; n += 1) {
    writer.settle(aFinishedRow({ price, usage, costNanoUsd: nanoUsd(1) }), []);
  }
  writer.commit();
  const { problems } = books.check();
  expect(problems).toHaveLength(101);
  expect(problems.at(-1)).toBe('And 900 more problems.');
  db.close();
});
