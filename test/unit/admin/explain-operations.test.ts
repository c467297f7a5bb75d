import { describe, expect, test } from 'vitest';
import { createBlankKey } from '../../../src/admin/key-changes.ts';
import type { LiveDryRunOrder, StoryTrace } from '../../../src/admin/live-explain.ts';
import type { LiveGateway } from '../../../src/admin/live-gateway.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import { NO_USAGE } from '../../../src/core/usage.ts';
import { createBudgetBook } from '../../../src/pricing/budgets.ts';
import type { FinishedRow } from '../../../src/store/rows.ts';
import { openAdminLab } from '../../support/admin-lab.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { aFinishedRow, aPrice } from '../../support/request-rows.ts';
import { someBudget } from '../../support/some-budget.ts';

const ID = '019a9f3c-1f5e-7c2a-9b1d-0a1b2c3d4e5f';
const PRICE = aPrice({ input: 1_250_000, output: 2_000_000 });
const SERVED: Partial<FinishedRow> = {
  ...{ id: ID, user: 'ann', price: PRICE, costNanoUsd: nanoUsd(17_750) },
  usage: { ...NO_USAGE, inputTokens: 3, outputTokens: 7 },
};

interface Scene {
  readonly row: Partial<FinishedRow>;
  readonly attempts?: readonly { backend: string; code: 'backend_error' | null; startMs: number }[];
  readonly story?: StoryTrace;
  /** Null: none runs. */
  readonly live?: LiveGateway | null;
  readonly way?: 'local' | 'remote';
}

/** What is said of one settled request. */
async function explain(scene: Scene) {
  const { way = 'local', story } = scene;
  const live =
    scene.live === undefined
      ? createFakeLiveGateway({ explain: { ...NOTHING_LIVE, story: () => story } })
      : scene.live;
  await using lab = await openAdminLab({ way, live });
  const row = aFinishedRow({ id: ID, ...scene.row });
  const rows = (scene.attempts ?? []).map(({ startMs, ...each }, index) => ({
    ...{ ...each, attempt: index + 1, durationMs: 40, status: each.code === null ? 200 : 500 },
    startedAtMs: row.startedAtMs + startMs,
  }));
  await lab.store.ledger.settle({ ...row, attempts: Math.max(row.attempts, rows.length) }, rows);
  return await lab.operations.explain.request(ID);
}

const NOTHING_LIVE: LiveGateway['explain'] = {
  inFlight: () => [],
  story: () => undefined,
  dryRun: () => Promise.reject(new Error('not asked for')),
};

describe('out of the books alone', () => {
  const FAILED_OVER = [
    { backend: 'gpu1', code: 'backend_error' as const, startMs: 10 },
    { backend: 'gpu0', code: null, startMs: 60 },
  ];

  test.each([null, undefined])('attempts are rows, and what is forgotten is said', async (live) => {
    const scene = { row: SERVED, attempts: FAILED_OVER };
    const found = await explain(live === null ? { ...scene, live } : scene);
    expect(found).toMatchObject({ known_from: ['books'], attempt_count: 2 });
    expect(found.attempts).toMatchObject([
      {
        ...{ attempt: 1, backend: 'gpu1', model: null, why: null, start_ms: 10, end_ms: 50 },
        ...{ status: 500, code: 'backend_error', next: 'gpu0 was asked next' },
      },
      { attempt: 2, backend: 'gpu0', start_ms: 60, code: null, first_token_ms: 12.5 },
    ]);
    expect(found.unknown[0]).toMatch(
      live === null ? /^No gateway is running/ : /^Why each backend/,
    );
  });

  test('one beside another is told from one after another', async () => {
    const [first, second] = FAILED_OVER;
    const attempts = [first, { ...second, startMs: 20 }] as typeof FAILED_OVER;
    const found = await explain({ row: SERVED, attempts });
    expect(found.attempts[0]?.next).toBe('gpu0 was asked beside it');
    expect(found.timing.gateway_ms).toBeNull();
  });

  test.each<[string, Partial<FinishedRow>, string, string]>([
    [
      'cut by its caller',
      { outcome: 'cut_by_caller', code: 'caller_gone', status: 200 },
      'meter',
      'the caller left',
    ],
    [
      'cut by its backend',
      { outcome: 'cut_by_backend', code: 'backend_stream_broken' },
      'meter',
      'its answer broke, and the caller was told so (backend_stream_broken)',
    ],
    [
      'expired',
      { outcome: 'expired', usageSource: 'counted' },
      'forward',
      'the gateway ended before it did',
    ],
  ])('%s', async (_, row, stage, words) => {
    const found = await explain({ row: { ...SERVED, ...row } });
    const ended = found.stages.find(({ verdict }) => verdict === 'ended');
    expect(ended?.stage).toBe(stage);
    expect(ended?.words.join('; ')).toContain(words);
  });

  test.each<[FinishedRow['code'], number, string, string]>([
    ['invalid_json', 400, '', 'read'],
    ['endpoint_not_allowed', 403, '', 'authorize'],
    ['rate_limit_exceeded', 429, 'small', 'limit'],
    ['policy_denied', 403, 'small', 'route'],
    ['insufficient_quota', 429, 'small', 'reserve'],
    ['queue_timeout', 429, 'small', 'queue'],
    ['caller_gone', 499, 'small', 'queue'],
    ['store_unavailable', 503, 'small', 'record'],
  ])('refused: %s', async (code, status, model, stage) => {
    const nothing = { backend: null, attempts: 0, usageSource: 'none', backendMs: null } as const;
    const row = { ...nothing, outcome: 'refused', code, status, model, ttftMs: null } as const;
    const found = await explain({ row });
    const at = found.stages.findIndex(({ verdict }) => verdict === 'ended');
    expect(found.stages[at]).toMatchObject({ stage, words: [`refused with ${status} ${code}`] });
    const later = found.stages.slice(at + 1, -1).map(({ verdict }) => verdict);
    expect(new Set(later)).toEqual(new Set(['not_reached']));
    expect(found.attempts).toEqual([]);
  });

  test('a list of models has no backend, no price and no riddles', async () => {
    const found = await explain({
      row: {
        ...{ endpoint: 'models', model: '', backend: null, attempts: 0, usageSource: 'none' },
        ...{ ttftMs: null, backendMs: null, costNanoUsd: nanoUsd(0) },
      },
    });
    expect(found.stages.find(({ stage }) => stage === 'forward')?.verdict).toBe('not_reached');
    expect(found).toMatchObject({ attempts: [], unknown: [], cost: { cost_usd: '0' } });
  });

  test('a cost that is not what its tokens make is said', async () => {
    const good = await explain({ row: SERVED });
    expect(good.cost).toMatchObject({ cost_usd: '0.00001775', agrees: true });
    const bad = await explain({ row: { ...SERVED, costNanoUsd: nanoUsd(17_751) } });
    expect(bad.cost).toMatchObject({ exact_usd: '0.00001775', agrees: false });
  });
});

test.each(['local', 'remote'] as const)('with what is remembered, %s', async (way) => {
  const story: StoryTrace = {
    ...{ queueMs: 30, heldUsd: '0.5', outputLimit: 90, bodyBytes: 1_234 },
    notes: [
      { at_ms: 1, text: 'rule 2 of small applies' },
      { at_ms: 2, text: 'waits in line, 3 before it' },
      { at_ms: 80, text: 'waits 20 ms before it asks again' },
    ],
    attempts: [
      {
        ...{ backend: 'gpu1', model: 'there', reason: 'prefix', start_ms: 32, end_ms: 79 },
        ...{ first_token_ms: null, code: 'backend_error', status: 500 },
      },
      {
        ...{ backend: 'gpu1', model: 'there', reason: 'tomorrow', start_ms: 100, end_ms: 250 },
        ...{ first_token_ms: 120, code: null, status: 200 },
      },
    ],
  };
  const found = await explain({ row: { ...SERVED, attempts: 2 }, story, way });
  expect(found).toMatchObject({
    ...{ known_from: ['books', 'memory'], unknown: [] },
    what: { answered_by: 'there', body_bytes: 1_234 },
    timing: { queue_ms: 30, duration_ms: 250, backend_ms: 249 },
    attempts: [
      {
        why: 'its cache should hold the beginning of the prompt',
        next: 'waits 20 ms before it asks again; gpu1 was asked next',
      },
      // A reason of a later version is said as it is.
      { why: 'tomorrow', next: 'its answer went to the caller' },
    ],
  });
  const words = Object.fromEntries(found.stages.map((each) => [each.stage, each.words[0]]));
  expect(words).toMatchObject({
    route: 'rule 2 of small applies',
    reserve: '$0.5 was held, the most that it could cost; backends were told to stop at 90 tokens',
    queue: 'waits in line, 3 before it',
    forward: 'waits 20 ms before it asks again',
  });
});

test('budgets count a request in whose present window it began', async () => {
  const clock = createFakeClock();
  const rules = [
    someBudget({ per: 'user', window: 'day' }),
    someBudget({ per: 'team', window: 'day' }),
    someBudget({ per: 'all', window: 'total' }),
  ];
  const budgets = createBudgetBook({ rules, clock });
  const live = createFakeLiveGateway({ budgets });
  const today = await explain({ row: { ...SERVED, startedAtMs: clock.nowMs() }, live });
  expect(today.counted_to.map(({ target }) => target)).toEqual(['all', 'user/ann']);
  const before = clock.nowMs() - 3 * 86_400_000;
  const older = await explain({ row: { ...SERVED, startedAtMs: before }, live });
  expect(older.counted_to.map(({ target }) => target)).toEqual(['all']);
});

test.each(['local', 'remote'] as const)('a dry run gets what was said, %s', async (way) => {
  const asked: LiveDryRunOrder[] = [];
  const live = createFakeLiveGateway({
    explain: {
      ...NOTHING_LIVE,
      dryRun: (order) => {
        asked.push(order);
        return Promise.reject(new Error('enough'));
      },
    },
  });
  await using lab = await openAdminLab({ way, live });
  lab.store.keys.insert(createBlankKey('k00000000001', 'alice', 0));
  const { explain } = lab.operations;
  const ask = (order: object) => explain.dryRun({ key: 'alice', ...order }).catch(() => {});
  await ask({ model: 'm', body: '{"é":1}', headers: { a: 'b' } });
  await ask({ endpoint: 'messages', body_base64: Buffer.from([0xff, 0]).toString('base64') });
  expect(asked).toMatchObject([
    { key: { id: 'k00000000001' }, model: 'm', endpoint: 'chat', headers: { a: 'b' } },
    { model: null, endpoint: 'messages', headers: {} },
  ]);
  expect(asked.map(({ body }) => body && Buffer.from(body).toString('hex'))).toEqual([
    '7b22c3a9223a317d',
    'ff00',
  ]);
  for (const bad of [{ key: '' }, { body_base64: '%' }, { model: '' }, { model: 'm', more: 1 }]) {
    await expect(explain.dryRun({ key: 'alice', ...bad })).rejects.toMatchObject({
      code: 'invalid',
    });
  }
  expect(asked).toHaveLength(2);
});

test('without a gateway nothing can be tried', async () => {
  await using lab = await openAdminLab({ way: 'local' });
  await expect(lab.operations.explain.dryRun({ key: 'a', model: 'm' })).rejects.toMatchObject({
    code: 'not_running',
  });
});
