import { expect, test } from 'vitest';
import { nanoUsd, ZERO_USD } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { queryClosed, readRequestLog, toHexId } from '../support/request-log.ts';
import { aFinishedRow, anOpenRow, aPrice } from '../support/request-rows.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';

const price = aPrice({
  input: 1_000_000,
  cachedInput: 500_000,
  output: 2_000_000,
  reasoning: 3_000_000,
  // How long a request had run when the process died is not known: nothing is owed for it.
  gpuHour: 3_600_000_000,
});

test('what a crash left open is settled once, at the last usage known or the estimate', async () => {
  const dataDir = tempDir();
  const clock = createFakeClock();
  const startedAtMs = clock.nowMs() - 5_000;
  const silent = anOpenRow({
    startedAtMs,
    price,
    inputTokensEstimate: 40,
    user: 'ada',
    tags: { a: 'b' },
  });
  const known = anOpenRow({ startedAtMs, price, inputTokensEstimate: 40 });
  const unpriced = anOpenRow({ startedAtMs, inputTokensEstimate: 7 });
  const fromTheFuture = anOpenRow({ startedAtMs: clock.nowMs() + 60_000 });
  {
    const db = openDatabase(dataDir, 'process');
    const writer = openLedgerWriter(db);
    writer.begin();
    for (const row of [silent, known, unpriced, fromTheFuture]) writer.open(row);
    writer.progress(known.id, {
      ...NO_USAGE,
      inputTokens: 30,
      cachedInputTokens: 10,
      outputTokens: 20,
      reasoningTokens: 5,
    });
    writer.commit();
    db.close();
  }
  {
    await using temp = await openTempStore({ dataDir, clock });
    expect(temp.store.recovered).toBe(4);
    expect((await temp.store.books.check()).problems).toEqual([]);
  }
  const rows = readRequestLog(dataDir);
  const rowOf = (id: string) => rows.find((row) => row.id === toHexId(id));
  expect(rowOf(silent.id)).toMatchObject({
    outcome: 'expired',
    code: 'internal',
    user: 'ada',
    tags: '{"a":"b"}',
    duration_ms: 5_000,
    input_tokens: 40,
    output_tokens: 0,
    usage_source: 'counted',
    estimated: 1,
    cost_nano_usd: 40_000,
  });
  // 20 × 1000 + 10 × 500 + 15 × 2000 + 5 × 3000
  expect(rowOf(known.id)).toMatchObject({
    input_tokens: 30,
    output_tokens: 20,
    cost_nano_usd: 70_000,
  });
  expect(rowOf(unpriced.id)).toMatchObject({ input_tokens: 7, cost_nano_usd: null });
  expect(rowOf(fromTheFuture.id)).toMatchObject({ duration_ms: 0 });

  await using again = await openTempStore({ dataDir, clock });
  expect(again.store.recovered).toBe(0);
});

test('a row that is open and finished at once is only closed', async () => {
  const dataDir = tempDir();
  const row = anOpenRow();
  {
    const db = openDatabase(dataDir, 'process');
    const writer = openLedgerWriter(db);
    writer.begin();
    writer.settle(aFinishedRow({ id: row.id, costNanoUsd: nanoUsd(5) }), []);
    writer.open(row);
    writer.commit();
    db.close();
  }
  await (await openTempStore({ dataDir })).store.close();
  expect(readRequestLog(dataDir).map((request) => request.outcome)).toEqual(['served']);
  expect(queryClosed(dataDir, 'SELECT count(*) AS n FROM open_requests')).toEqual([{ n: 0 }]);
});

test('progress reaches the disk by itself', async () => {
  const dataDir = tempDir();
  const row = anOpenRow();
  {
    await using temp = await openTempStore({ dataDir });
    await temp.store.ledger.open({ ...row, holdNanoUsd: ZERO_USD });
    for (const outputTokens of [1, 2, 3]) {
      temp.store.ledger.progress(row.id, {
        ...NO_USAGE,
        inputTokens: 5,
        cachedInputTokens: 0,
        outputTokens,
        reasoningTokens: 0,
      });
    }
  }
  const sql = 'SELECT usage FROM open_requests';
  expect(queryClosed(dataDir, sql)).toEqual([{ usage: '[5,0,0,0,0,3,0,0,0]' }]);
});
