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
  writer.settle(aFinishedRow({ id: ID, price, usage, costNanoUsd: nanoUsd(19_000) }), [attempt]);
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
    problems: [],
    spend: [{ keyId: 'K00000000001', hourStartMs: 1_763_596_800_000, costNanoUsd: 19_000n }],
  });
  db.close();
});

test.each([
  [
    'UPDATE requests SET cost_nano_usd = 18999 WHERE seq = 1',
    /cost 18999 nano-dollars, by its price and usage it is 19000/,
  ],
  ['UPDATE requests SET cost_nano_usd = NULL WHERE seq = 1', /cost unknown, by its price/],
  ['UPDATE requests SET cached_input_tokens = 11 WHERE seq = 1', /more cached input than input/],
  ['UPDATE requests SET reasoning_tokens = 6 WHERE seq = 1', /more reasoning than output/],
  ['UPDATE requests SET input_tokens = -1 WHERE seq = 1', /negative number of tokens/],
  ['UPDATE requests SET output_tokens = 1 WHERE seq = 2', /was refused and yet used tokens/],
  [
    'UPDATE requests SET cost_nano_usd = 7 WHERE seq = 2',
    /was refused and yet cost 7 nano-dollars/,
  ],
  ['UPDATE requests SET cost_nano_usd = 7 WHERE seq = 4', /asked no backend and yet cost 7/],
  ['UPDATE requests SET price = 99 WHERE seq = 1', /a price that is not stored/],
  ['UPDATE requests SET key = 99 WHERE seq = 1', /has no key/],
  [
    'DELETE FROM requests WHERE seq = 3',
    /The sums of 2025-11-20T00:00:00.000Z, K00000000001, .*differ|belong to no request/,
  ],
  ['DELETE FROM requests WHERE seq = 1', /An attempt belongs to request number 1/],
  [
    'UPDATE usage_rollups SET requests = requests + 1 WHERE cost_nano_usd > 0',
    /sums of .* differ from their requests/,
  ],
  ['UPDATE usage_rollups SET ttft = NULL', /sums of .* differ from their requests/],
  ['DELETE FROM usage_rollups', /sums of .* differ from their requests/],
  ['UPDATE usage_rollups SET hour = hour + 1', /sums of .* belong to no request/],
  [
    'INSERT INTO open_requests SELECT id, key, user, team, tenant, tags, model, backend, endpoint, 0, 1, 1, 1, 0, NULL, NULL, NULL, NULL FROM requests WHERE seq = 1',
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
