import { describe, expect, test } from 'vitest';
import { createOperations } from '../../../src/admin/local-operations.ts';
import { OperationError } from '../../../src/admin/operation-error.ts';
import type { Operations } from '../../../src/admin/operations.ts';
import { createRemoteOperations } from '../../../src/admin/remote-operations.ts';
import { startAdminServer } from '../../../src/admin/server.ts';
import { systemRandom } from '../../../src/core/clock.ts';
import { GateError } from '../../../src/core/error.ts';
import { createNoContent } from '../../../src/store/content/content-access.ts';
import type { Books, Store } from '../../../src/store/store.ts';
import type { UsageQuery, UsageRow } from '../../../src/store/usage-report.ts';
import { openAdminLab } from '../../support/admin-lab.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { aKey, openTempStore } from '../../support/temp-store.ts';
import { testDir } from '../../support/test-dir.ts';

const HOUR = '2026-11-18T10:00:00.000Z';

const ROW: UsageRow = {
  group: [],
  requests: 3,
  errors: 1,
  inputTokens: 10,
  cachedInputTokens: 4,
  cacheWriteTokens: 1,
  audioInputTokens: 2,
  imageInputTokens: 3,
  outputTokens: 20,
  reasoningTokens: 5,
  audioOutputTokens: 6,
  imageOutputTokens: 7,
  gpuUs: 2_500_000,
  costNanoUsd: 1_234_000n,
  unpriced: 1,
  estimated: 2,
  estimatedNanoUsd: 34_000n,
  ttftMsP50: 12.5,
};

const COUNTERS = {
  requests: 3,
  errors: 1,
  input_tokens: 10,
  cached_input_tokens: 4,
  cache_write_tokens: 1,
  audio_input_tokens: 2,
  image_input_tokens: 3,
  output_tokens: 20,
  reasoning_tokens: 5,
  audio_output_tokens: 6,
  image_output_tokens: 7,
  gpu_seconds: 2.5,
  cost_usd: '0.001234',
  unpriced: 1,
  estimated: 2,
  estimated_cost_usd: '0.000034',
  ttft_ms_p50: 12.5,
};

describe.each(['local', 'remote'] as const)('%s', (way) => {
  test('usage groups by what was asked, names keys, and keeps unknown cost unknown', async () => {
    const asked: UsageQuery[] = [];
    await using lab = await openBooksLab(way, {
      usage: async (query) => {
        asked.push(query);
        return {
          sinceMs: query.sinceMs,
          untilMs: query.untilMs,
          rows: [
            { ...ROW, group: ['K00000000001', 'prod'] },
            { ...ROW, group: ['K00000000009', null], requests: 1, unpriced: 1, costNanoUsd: 0n },
          ],
          total: ROW,
        };
      },
    });
    lab.store.keys.insert(aKey({ id: 'K00000000001', name: 'alice, the 1st' }));
    const document = await lab.operations.usage({
      by: ['key', 'tag:env', 'key'],
      since: '2026-11-18T11:00:00+01:00',
      until: '2026-11-18T11:00:00Z',
      where: [
        { dimension: 'key', value: 'alice, the 1st' },
        { dimension: 'tag:env', value: 'a=b&c' },
      ],
    });
    expect(asked).toEqual([
      {
        by: ['key', 'tag:env'],
        sinceMs: Date.parse(HOUR),
        untilMs: Date.parse(HOUR) + 3_600_000,
        where: [
          { dimension: 'key', value: 'K00000000001' },
          { dimension: 'tag:env', value: 'a=b&c' },
        ],
      },
    ]);
    expect(document).toEqual({
      since: HOUR,
      until: '2026-11-18T11:00:00.000Z',
      rows: [
        { key: 'K00000000001', key_name: 'alice, the 1st', 'tag:env': 'prod', ...COUNTERS },
        {
          key: 'K00000000009',
          key_name: null,
          'tag:env': null,
          ...COUNTERS,
          requests: 1,
          cost_usd: null,
          estimated_cost_usd: null,
        },
      ],
      total: COUNTERS,
    });
    expect(Object.keys(document.rows[0] ?? {}).slice(0, 4)).toEqual([
      'key',
      'key_name',
      'tag:env',
      'requests',
    ]);
  });

  test.each([
    ['dimension', { by: ['modle'] }, '"modle" is no dimension of usage; there are key, user,'],
    ['tag', { by: ['tag:'] }, '"tag:" is no dimension'],
    ['condition', { where: [{ dimension: 'nope', value: 'x' }] }, '"nope" is no dimension'],
    ['time', { since: 'yesterday' }, 'since: "yesterday" is no RFC 3339 time'],
    ['range', { since: '2026-11-19T00:00:00Z' }, 'is not before until'],
    ['number', { by: ['key', 'user', 'team', 'model', 'day', 'hour', 'month'] }, 'at most 6'],
  ])('usage refuses a bad %s', async (_, change, message) => {
    await using lab = await openBooksLab(way, {});
    const request = { by: ['model'], since: HOUR, until: '2026-11-18T12:00:00Z', where: [] };
    const refusal = await refusalOf(lab.operations.usage({ ...request, ...change }));
    expect(refusal.code).toBe('invalid');
    expect(refusal.message).toContain(message);
  });

  test('a check adds what the live counters disagree on to what the rows disagree on', async () => {
    const found = {
      requests: 7,
      open: 1,
      estimated: 2,
      costNanoUsd: 25_000_000_000n,
      estimatedNanoUsd: 500_000_000n,
      problems: ['rollup of 10:00 is short by 1.'],
      spend: [],
    };
    const live = createFakeLiveGateway({ checkLive: async () => ['alice is off by $1.'] });
    await using lab = await openBooksLab(way, { check: async () => found }, live);
    expect(await lab.operations.checkLedger()).toEqual({
      ok: false,
      requests: 7,
      open: 1,
      cost_usd: '25',
      estimated: 2,
      estimated_cost_usd: '0.5',
      problems: ['rollup of 10:00 is short by 1.', 'alice is off by $1.'],
    });
  });

  test('a rebuild is on record, is told to the gateway, and says what still differs', async () => {
    const heard: string[] = [];
    const live = createFakeLiveGateway({
      sumsRebuilt: async () => void heard.push('sums rebuilt'),
      checkLive: async () => ['alice is off by $1.'],
    });
    await using lab = await openBooksLab(
      way,
      { rebuild: async () => ({ requests: 7, lastSeq: 9, corrected: 3 }) },
      live,
    );
    expect(await lab.operations.rebuildLedger()).toEqual({
      requests: 7,
      corrected_sums: 3,
      problems: ['alice is off by $1.'],
    });
    expect(heard).toEqual(['sums rebuilt']);
    const { lines } = await lab.store.books.audit.page({
      ...{ chain: 'admin_events', action: 'ledger.rebuild', order: 'newest', limit: 1 },
      ...{ sinceMs: null, untilMs: null, keyId: null, after: null },
    });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      action: 'ledger.rebuild',
      after: { requests: 7, corrected_sums: 3 },
    });
  });

  test('a store that fails is unavailable; a bug is internal and says nothing of itself', async () => {
    await using lab = await openBooksLab(way, {
      usage: () => Promise.reject(new GateError('store_unavailable', 'The books cannot be read.')),
      check: () => Promise.reject(new Error('SELECT secret FROM keys')),
    });
    const request = { by: [], since: HOUR, until: '2026-11-18T12:00:00Z', where: [] };
    if (way === 'remote') {
      expect(await refusalOf(lab.operations.usage(request))).toMatchObject({
        code: 'unavailable',
        message: 'The books cannot be read.',
      });
      const bug = await refusalOf(lab.operations.checkLedger());
      expect(bug.code).toBe('internal');
      expect(bug.message).not.toContain('secret');
      expect(lab.failures.map(({ code }) => code)).toEqual(['unavailable', 'internal']);
    } else {
      await expect(lab.operations.usage(request)).rejects.toThrow('The books cannot be read.');
    }
  });

  test('a running gateway answers for itself', async () => {
    const live = createFakeLiveGateway({
      reload: async () => ({ ok: false, generation: 3, problems: 'llmgate.yaml:1:1: no' }),
    });
    await using lab = await openAdminLab({ way, live });
    const { operations } = lab;
    expect(await operations.status()).toEqual(live.status());
    expect(await operations.models()).toEqual(live.models());
    expect(await operations.backends()).toEqual(live.backends());
    expect(await operations.reload()).toEqual(
      await live.reload({ actor: 'alice', origin: 'offline' }),
    );
  });

  test('without a gateway those questions have no answer', async () => {
    await using lab = await openAdminLab({ way });
    for (const ask of ['status', 'models', 'backends', 'reload'] as const) {
      expect(await refusalOf(lab.operations[ask]())).toMatchObject({
        code: 'not_running',
        message: 'the gateway is not running',
      });
    }
    expect(lab.failures).toEqual([]);
  });
});

interface BooksLab extends AsyncDisposable {
  readonly operations: Operations;
  readonly store: Store;
  readonly failures: OperationError[];
}

/** Real keys, and books that say what the test wants: reports have their own tests in the store. */
async function openBooksLab(
  way: 'local' | 'remote',
  books: Partial<Books>,
  live = createFakeLiveGateway(),
): Promise<BooksLab> {
  const clock = createFakeClock();
  const temp = await openTempStore({ clock, dataDir: testDir() });
  const store: Store = { ...temp.store, books: { ...temp.store.books, ...books } };
  const local = createOperations({
    ...{ store, clock, live },
    content: createNoContent(),
    random: systemRandom,
  });
  const socketPath = `${temp.dataDir}/admin.sock`;
  const failures: OperationError[] = [];
  const server = startAdminServer({
    socketPath,
    operations: local,
    version: '0.1.0',
    onFailure: (failure) => failures.push(failure),
  });
  return {
    operations: way === 'local' ? local : createRemoteOperations({ socketPath }),
    store,
    failures,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await temp[Symbol.asyncDispose]();
    },
  };
}

async function refusalOf(act: Promise<unknown>): Promise<OperationError> {
  try {
    await act;
  } catch (cause) {
    if (cause instanceof OperationError) return cause;
    throw cause;
  }
  throw new Error('expected an OperationError, but nothing was thrown');
}
