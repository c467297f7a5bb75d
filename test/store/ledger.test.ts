import { expect, test } from 'vitest';
import { GateError } from '../../src/core/error.ts';
import { nanoUsd } from '../../src/core/money.ts';
import type { AttemptRow } from '../../src/store/rows.ts';
import { queryClosed, readRequestLog, toHexId } from '../support/request-log.ts';
import { aFinishedRow, anOpenRow, aPrice } from '../support/request-rows.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';

test('a finished request comes back with every word and number', async () => {
  const dataDir = tempDir();
  const id = '0197a3c2-5e00-7abc-8def-0123456789ab';
  const attempts: AttemptRow[] = [
    {
      attempt: 1,
      backend: 'gpu0',
      startedAtMs: 1_000,
      durationMs: 1.5,
      code: 'backend_error',
      status: 500,
    },
    { attempt: 2, backend: 'cloud', startedAtMs: 1_002, durationMs: 20, code: null, status: 200 },
  ];
  const { tiers: _tiers, gpuHour: _gpuHour, ...rates } = aPrice({ input: 5, output: 6 });
  {
    await using temp = await openTempStore({ dataDir });
    const row = aFinishedRow({
      id,
      user: 'ada',
      team: 'research',
      tenant: 'acme',
      tags: { env: 'prod', app: 'x' },
      backend: 'cloud',
      streamed: true,
      outcome: 'cut_by_caller',
      code: 'caller_gone',
      status: 499,
      ttftMs: 0.4,
      usage: {
        inputTokens: 9,
        cachedInputTokens: 4,
        cacheWriteTokens: 3,
        audioInputTokens: 2,
        imageInputTokens: 1,
        outputTokens: 17,
        reasoningTokens: 6,
        audioOutputTokens: 5,
        imageOutputTokens: 8,
      },
      usageSource: 'counted',
      estimated: true,
      costNanoUsd: nanoUsd(Number.MAX_SAFE_INTEGER),
      price: aPrice({
        ...{ input: 1, output: 3, gpuHour: 9 },
        tiers: [{ aboveInputTokens: 128_000, ...rates }],
      }),
      attempts: 2,
      gpuUs: 77,
      contentRef: new Uint8Array(32).fill(0xab),
    });
    await temp.store.ledger.settle(row, attempts);
  }
  expect(readRequestLog(dataDir)).toEqual([
    {
      seq: 1,
      id: toHexId(id),
      key: 'K00000000001',
      user: 'ada',
      team: 'research',
      tenant: 'acme',
      tags: '{"app":"x","env":"prod"}',
      model: 'small',
      backend: 'cloud',
      endpoint: 'chat',
      streamed: 1,
      outcome: 'cut_by_caller',
      code: 'caller_gone',
      status: 499,
      started_at_ms: 1_763_600_000_000,
      duration_ms: 250,
      ttft_us: 400,
      backend_us: 249_000,
      input_tokens: 9,
      cached_input_tokens: 4,
      cache_write_tokens: 3,
      audio_input_tokens: 2,
      image_input_tokens: 1,
      output_tokens: 17,
      reasoning_tokens: 6,
      audio_output_tokens: 5,
      image_output_tokens: 8,
      usage_source: 'counted',
      estimated: 1,
      gpu_us: 77,
      cost_nano_usd: Number.MAX_SAFE_INTEGER,
      price:
        '{"input":1,"output":3,"tiers":[{"above_input_tokens":128000,"input":5,"output":6}],"gpu_hour":9}',
      attempts: 2,
      content_ref: 'ab'.repeat(32),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  ]);
  expect(queryClosed(dataDir, 'SELECT attempt, duration_us, status FROM attempts')).toEqual([
    { attempt: 1, duration_us: 1_500, status: 500 },
    { attempt: 2, duration_us: 20_000, status: 200 },
  ]);
});

test('a thousand requests at once share a few commits', async () => {
  await using temp = await openTempStore();
  const { ledger } = temp.store;
  await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const row = anOpenRow();
      await ledger.open(row);
      await ledger.settle(aFinishedRow({ id: row.id }), []);
    }),
  );
  expect(ledger.stats()).toMatchObject({ rowsOpened: 1_000, rowsSettled: 1_000, queued: 0 });
  expect(ledger.stats().commits).toBeLessThanOrEqual(4);
});

test('a promise is kept only after the commit', async () => {
  await using temp = await openTempStore();
  const { ledger } = temp.store;
  const opened = ledger.open(anOpenRow());
  expect(ledger.stats()).toMatchObject({ commits: 0, rowsOpened: 0, queued: 1 });
  await opened;
  expect(ledger.stats()).toMatchObject({ commits: 1, rowsOpened: 1, queued: 0 });
});

test('a row that cannot be written fails alone', async () => {
  const dataDir = tempDir();
  const good = Array.from({ length: 5 }, () => anOpenRow());
  const twice = anOpenRow();
  {
    await using temp = await openTempStore({ dataDir });
    const { ledger } = temp.store;
    await ledger.open(twice);
    const results = await Promise.allSettled([
      ...good.slice(0, 3).map((row) => ledger.open(row)),
      ledger.open(twice),
      ledger.open(anOpenRow({ id: 'no uuid' })),
      ledger.settle(aFinishedRow({ status: 0.5 }), []),
      ...good.slice(3).map((row) => ledger.open(row)),
    ]);
    expect(results.map(codeOf)).toEqual([
      ...['written', 'written', 'written'],
      ...['internal', 'internal', 'internal'],
      ...['written', 'written'],
    ]);
    expect(ledger.stats()).toMatchObject({
      rowsOpened: 6,
      rowsSettled: 0,
      dropped: 1,
      unwritten: 0,
    });
    expect(temp.events.map((event) => event.event)).toEqual([
      'ledger_row_refused',
      'ledger_row_refused',
      'ledger_row_refused',
    ]);
  }
  const open = queryClosed<{ id: string }>(
    dataDir,
    'SELECT lower(hex(id)) AS id FROM open_requests',
  );
  expect(open.map((row) => row.id).toSorted()).toEqual(
    [...good, twice].map((row) => toHexId(row.id)).toSorted(),
  );
});

test('settling twice books once', async () => {
  const dataDir = tempDir();
  const attempt = {
    attempt: 1,
    backend: 'gpu0',
    startedAtMs: 1,
    durationMs: 1,
    code: null,
    status: 200,
  };
  {
    await using temp = await openTempStore({ dataDir });
    const row = aFinishedRow();
    await temp.store.ledger.settle(row, [attempt]);
    await temp.store.ledger.settle({ ...row, status: 500 }, [attempt]);
  }
  expect(readRequestLog(dataDir).map((row) => row['status'])).toEqual([200]);
});

test('after close nothing new is opened, and what was queued is written', async () => {
  const dataDir = tempDir();
  const temp = await openTempStore({ dataDir });
  const { ledger } = temp.store;
  const settled = ledger.settle(aFinishedRow(), []);
  await temp.store.close();
  await temp.store.close();
  await settled;
  const refused = await ledger.open(anOpenRow()).catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(GateError);
  expect(refused).toMatchObject({ code: 'store_unavailable' });
  expect(readRequestLog(dataDir)).toHaveLength(1);
});

function codeOf(result: PromiseSettledResult<void>): unknown {
  return result.status === 'fulfilled' ? 'written' : result.reason.code;
}
