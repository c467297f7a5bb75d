import { expect, test } from 'vitest';
import { nanoUsd } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { aFinishedRow, aPrice } from '../support/request-rows.ts';
import { openTempStore } from '../support/temp-store.ts';

const ONE = '019a9f3c-1f5e-7c2a-9b1d-0a1b2c3d4e5f';
const TWIN = '019a9f3c-1f5e-7c2a-9b1d-0a1b2c3d4e60';
const OTHER = 'f19a9f3c-1f5e-7c2a-9b1d-0a1b2c3d4e60';

test.each([false, true])(
  'a request by the beginning of its id, on a worker: %s',
  async (worker) => {
    await using temp = await openTempStore({ worker });
    const { ledger, books } = temp.store;
    const price = aPrice({ input: 12_000, output: 36_000, cachedInput: 3_000 });
    const row = aFinishedRow({
      ...{ id: ONE, user: 'ann', tags: { app: 'x' }, streamed: true, attempts: 2, price },
      usage: { ...NO_USAGE, inputTokens: 10, cachedInputTokens: 4, outputTokens: 2 },
      costNanoUsd: nanoUsd(156),
    });
    const failed = { attempt: 1, backend: 'gpu1', code: 'backend_error', status: 500 } as const;
    const served = { attempt: 2, backend: 'gpu0', code: null, status: 200 } as const;
    const at = { startedAtMs: row.startedAtMs, durationMs: 1.5 };
    await ledger.settle(row, [
      { ...failed, ...at },
      { ...served, ...at },
    ]);
    await ledger.settle(aFinishedRow({ id: TWIN }), []);
    await ledger.settle(aFinishedRow({ id: OTHER, model: '' }), []);

    const { request } = await books.findRequest(ONE.replaceAll('-', ''));
    expect(request).toMatchObject({
      ...{ seq: 1, id: ONE, keyId: 'K00000000001', user: 'ann', team: null, tags: { app: 'x' } },
      ...{ endpoint: 'chat', model: 'small', backend: 'gpu0', outcome: 'served', code: null },
      ...{ streamed: true, durationMs: 250, ttftUs: 12_500, backendUs: 249_000, status: 200 },
      ...{ usage: row.usage, usageSource: 'reported', estimated: false, price, costNanoUsd: 156 },
      ...{ attempts: 2, hasContent: false, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      attemptRows: [
        { ...failed, startedAtMs: at.startedAtMs, durationUs: 1_500 },
        { ...served, startedAtMs: at.startedAtMs, durationUs: 1_500 },
      ],
    });
    expect(await books.findRequest('f')).toMatchObject({ ids: [OTHER], request: { model: '' } });
    expect(await books.findRequest('019a9f3c1')).toEqual({ ids: [ONE, TWIN], request: null });
    expect(await books.findRequest('77')).toEqual({ ids: [], request: null });
  },
);
