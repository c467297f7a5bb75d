import { describe, expect, test } from 'vitest';
import type { FileBudgets } from '../../../src/admin/budget-desk.ts';
import type { BudgetOperations } from '../../../src/admin/budget-operations.ts';
import type { BudgetView } from '../../../src/admin/budget-schemas.ts';
import { OperationError } from '../../../src/admin/operation-error.ts';
import type { Key } from '../../../src/core/key.ts';
import { fromUsd } from '../../../src/core/money.ts';
import { NO_USAGE } from '../../../src/core/usage.ts';
import { createBudgetBook } from '../../../src/pricing/budgets.ts';
import { ACTOR, type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { amountOf, someBudget } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';
import { aFinishedRow, anOpenRow } from '../../support/temp-store.ts';

const USD = fromUsd(1);
const ADA = someKey({
  id: 'keyAda',
  name: 'ada',
  team: 'red',
  limits: { tokenBudget: { tokens: 5_000, window: 'day' } },
});
const BOB = someKey({ id: 'keyBob', name: 'bob', team: 'blue' });

const FILE: FileBudgets = {
  timezone: 'Europe/Berlin',
  rules: [
    someBudget({ per: 'all', limit: 1_000 * USD }),
    someBudget({ per: 'team', limit: 100 * USD, alertAt: [50, 80], onExceed: 'shrink' }),
    someBudget({ per: 'model', name: 'llama*', limit: 9_000, measure: 'tokens', window: 'day' }),
  ],
};

interface BudgetLab extends AsyncDisposable {
  readonly budgets: BudgetOperations;
  readonly lab: AdminLab;
  /** A request of a key that is over and paid. */
  spend(key: Key, usd: number, tokens: number): Promise<void>;
  /** What the operations told the trail, oldest first. */
  events(): Promise<Record<string, unknown>[]>;
}

/** Without a gateway, in one, and over its socket. */
const WAYS = ['offline', 'local', 'remote'] as const;

async function open(
  way: (typeof WAYS)[number],
  file: FileBudgets | null = FILE,
): Promise<BudgetLab> {
  const { rules, timezone } = file ?? { rules: [], timezone: 'UTC' };
  const book = createBudgetBook({ rules, timezone, clock: createFakeClock() });
  const isLive = way !== 'offline';
  const lab = await openAdminLab({
    way: way === 'remote' ? 'remote' : 'local',
    live: isLive ? createFakeLiveGateway({ budgets: book }) : null,
    fileBudgets: file,
  });
  lab.store.keys.insert(ADA);
  lab.store.keys.insert(BOB);
  return {
    budgets: lab.operations.budgets,
    lab,
    async spend(key, usd, tokens) {
      const amount = amountOf(usd, tokens);
      if (isLive) return book.reserve({ key, model: 'llama-3' }, amount).settle(amount);
      const booking = {
        id: Bun.randomUUIDv7(),
        keyId: key.id,
        team: key.team,
        model: 'llama-3',
        startedAtMs: lab.clock.nowMs(),
      };
      await lab.store.ledger.open(anOpenRow(booking));
      const usage = { ...NO_USAGE, inputTokens: tokens };
      const row = { ...booking, usage, costNanoUsd: amount.nanoUsd };
      await lab.store.ledger.settle(aFinishedRow(row), []);
    },
    async events() {
      const page = await lab.operations.audit.page({
        ...{ chain: 'admin_events', since: null, until: null, key: null },
        ...{ action: 'budget.*', order: 'oldest', after: null, limit: 100, purpose: 'list' },
      });
      return page.rows.map(({ actor, action, target, before, after }) => {
        expect(actor).toBe(ACTOR);
        return { action, target, before, after };
      });
    },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

/** What a line of the list says, without what is null. */
function lineOf(budget: BudgetView): string {
  const { target, measure, window, source } = budget;
  const [limit, spent, left] =
    measure === 'usd'
      ? [budget.limit_usd, budget.spent_usd, budget.remaining_usd]
      : [budget.limit_tokens, budget.spent_tokens, budget.remaining_tokens];
  const kinds = budget.grants.map(({ kind }) => ` ${kind}`).join('');
  return `${target} ${measure}/${window} ${source}: ${spent} of ${limit}, ${left} left${kinds}`;
}

async function linesOf(answer: Promise<{ budgets: BudgetView[] }>): Promise<string[]> {
  return (await answer).budgets.map(lineOf);
}

async function refusalOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (cause) {
    if (cause instanceof OperationError) return `${cause.code}: ${cause.message}`;
    throw cause;
  }
  throw new Error('nothing was refused');
}

const REFUSED: readonly (readonly [(budgets: BudgetOperations) => Promise<unknown>, string])[] = [
  [(b) => b.show('teams/red'), 'invalid: "teams/red" is no target: write all, tenant/N'],
  [(b) => b.show('team/'), 'invalid: "team/" is no target'],
  [(b) => b.show('key/eve'), 'not_found: no key has the id or name "eve"'],
  [(b) => b.set('all', { usd: { limit_usd: '0', window: 'day' } }), 'more than 0'],
  [(b) => b.set('all', { usd: { limit_usd: '9999999', window: 'day' } }), 'less than 9007'],
  [(b) => b.set('all', {}), 'invalid: write usd or tokens'],
  [
    (b) => b.remove('team/red', {}),
    'conflict: the budgets of team/red are of the configuration and are changed there',
  ],
  [
    (b) => b.remove('key/ada', {}),
    "conflict: the budgets of key/ada are the key's own: llmgate keys update changes them",
  ],
  [(b) => b.remove('user/x', {}), 'not_found: no such budget applies to user/x'],
  [
    (b) => b.grant('team/*', { kind: 'top_up', amount: '5' }),
    'invalid: team/* stands for many purses',
  ],
  [(b) => b.grant('all', { kind: 'top_up', amount: '-5' }), 'is no sum of dollars'],
  [(b) => b.grant('key/ada', { kind: 'top_up', amount: '0.5' }), 'number of tokens'],
  [(b) => b.grant('all', { kind: 'raise', amount: '5' }), 'until: say when the raise ends'],
  [
    (b) => b.grant('all', { kind: 'raise', amount: '5', until: '2026-11-18T10:30:00Z' }),
    'is in the past',
  ],
  [
    (b) => b.grant('all', { kind: 'top_up', amount: '5', until: '2027-01-01T00:00:00Z' }),
    'until: a top-up ends with its window',
  ],
  [(b) => b.list({ per: null, after: 'team:x', limit: 5 }), 'is no place in the list'],
];

describe.each(WAYS)('%s', (way) => {
  test('list has every budget, and of each purse what is left', async () => {
    await using lab = await open(way);
    await lab.spend(ADA, 25.5, 1_200);
    await lab.spend(BOB, 0, 0);
    await lab.budgets.set('team/green', { usd: { limit_usd: '7', window: 'month' } });
    await lab.budgets.grant('team/grey', { kind: 'top_up', amount: '1' });
    const page = await lab.budgets.list({ per: null, after: null, limit: 100 });
    const lines = page.budgets.map(lineOf);
    let { next } = page;
    while (next !== null) {
      const more = await lab.budgets.list({ per: null, after: next, limit: 1 });
      lines.push(...more.budgets.map(lineOf));
      next = more.next;
    }
    expect(lines).toEqual([
      'all usd/month file: 25.5 of 1000, 974.5 left',
      'team/* usd/month file: null of 100, null left',
      'team/red usd/month file: 25.5 of 100, 74.5 left',
      'team/green usd/month command: 0 of 7, 7 left',
      'team/grey usd/month file: 0 of 101, 101 left top_up',
      'model/llama* tokens/day file: null of 9000, null left',
      'model/llama-3 tokens/day file: 1200 of 9000, 7800 left',
      'key/keyAda tokens/day key: 1200 of 5000, 3800 left',
    ]);
    expect(page.file_known).toBe(true);
    expect(await linesOf(lab.budgets.list({ per: 'key', after: null, limit: 1 }))).toEqual([
      'key/keyAda tokens/day key: 1200 of 5000, 3800 left',
    ]);
  });

  test('show says everything of one target, by the calendar of the zone', async () => {
    await using lab = await open(way);
    await lab.spend(ADA, 30, 10);
    expect(await lab.budgets.show('team/red')).toEqual({
      file_known: true,
      budgets: [
        {
          target: 'team/red',
          per: 'team',
          subject: 'red',
          name: 'red',
          measure: 'usd',
          window: 'month',
          source: 'file',
          on_exceed: 'shrink',
          alert_at_percent: [50, 80],
          base_limit_usd: '100',
          limit_usd: '100',
          spent_usd: '30',
          held_usd: '0',
          remaining_usd: '70',
          base_limit_tokens: null,
          limit_tokens: null,
          spent_tokens: null,
          held_tokens: null,
          remaining_tokens: null,
          window_started_at: '2026-10-31T23:00:00.000Z',
          resets_at: '2026-11-30T23:00:00.000Z',
          grants: [],
        },
      ],
    });
    expect(await lab.budgets.show('key/ada')).toMatchObject({
      budgets: [{ target: 'key/keyAda', name: 'ada', source: 'key', limit_tokens: 5_000 }],
    });
    expect(await linesOf(lab.budgets.show('all'))).toHaveLength(1);
    expect(await linesOf(lab.budgets.show('model/llama*'))).toHaveLength(1);
    // A team that nobody has heard of would be bound by what is said of all teams.
    expect(await linesOf(lab.budgets.show('team/new/er'))).toEqual([
      'team/new/er usd/month file: 0 of 100, 100 left',
    ]);
    expect(await refusalOf(lab.budgets.show('user/ada'))).toContain('not_found: no such budget');
  });

  test('set takes the place of the file, remove gives it back; both are in the trail', async () => {
    await using lab = await open(way);
    await lab.spend(ADA, 30, 10);
    const usd = (limit_usd: string) => ({ usd: { limit_usd, window: 'month' } }) as const;
    expect(await linesOf(lab.budgets.set('team/red', usd('40')))).toEqual([
      'team/red usd/month command: 30 of 40, 10 left',
    ]);
    const both = { ...usd('50.5'), tokens: { limit_tokens: 600, window: 'day' } } as const;
    expect(await linesOf(lab.budgets.set('team/red', both))).toEqual([
      'team/red tokens/day command: 10 of 600, 590 left',
      'team/red usd/month command: 30 of 50.5, 20.5 left',
    ]);
    expect(await linesOf(lab.budgets.remove('team/red', { measure: 'usd' }))).toEqual([
      'team/red usd/month file: 30 of 100, 70 left',
      'team/red tokens/day command: 10 of 600, 590 left',
    ]);
    expect(await linesOf(lab.budgets.remove('team/red', {}))).toHaveLength(1);
    const set = { measure: 'usd', window: 'month', limit_usd: '40' };
    expect(await lab.events()).toEqual([
      { action: 'budget.set', target: 'team/red', before: null, after: set },
      {
        action: 'budget.set',
        target: 'team/red',
        before: set,
        after: { ...set, limit_usd: '50.5' },
      },
      {
        action: 'budget.set',
        target: 'team/red',
        before: null,
        after: { measure: 'tokens', window: 'day', limit_tokens: 600 },
      },
      {
        action: 'budget.remove',
        target: 'team/red',
        before: { ...set, limit_usd: '50.5' },
        after: null,
      },
      expect.objectContaining({ action: 'budget.remove' }),
    ]);
  });

  test('top-up, raise and reset work on budgets of the file and of keys', async () => {
    await using lab = await open(way);
    await lab.spend(ADA, 30, 1_000);
    expect(await linesOf(lab.budgets.grant('team/red', { kind: 'top_up', amount: '50' }))).toEqual([
      'team/red usd/month file: 30 of 150, 120 left top_up',
    ]);
    const until = '2026-11-20T00:00:00Z';
    expect(
      await linesOf(lab.budgets.grant('key/ada', { kind: 'raise', amount: '500', until })),
    ).toEqual(['key/keyAda tokens/day key: 1000 of 5500, 4500 left raise']);
    expect(await linesOf(lab.budgets.reset('team/red', {}))).toEqual([
      'team/red usd/month file: 0 of 150, 150 left top_up reset',
    ]);
    await lab.spend(ADA, 1, 1);
    expect(await linesOf(lab.budgets.show('team/red'))).toEqual([
      'team/red usd/month file: 1 of 150, 149 left top_up reset',
    ]);
    expect((await lab.events()).map(({ action, after }) => [action, after])).toEqual([
      [
        'budget.grant',
        {
          ...{ kind: 'top_up', measure: 'usd', window: 'month', amount_usd: '50' },
          ...{ amount_tokens: null, until: null },
          window_started_at: '2026-10-31T23:00:00.000Z',
        },
      ],
      [
        'budget.grant',
        {
          ...{ kind: 'raise', measure: 'tokens', window: 'day', amount_usd: null },
          ...{ amount_tokens: 500, until: '2026-11-20T00:00:00.000Z', window_started_at: null },
        },
      ],
      ['budget.reset', expect.objectContaining({ kind: 'reset', amount_usd: '30' })],
    ]);
  });

  test('which of several budgets is meant must be said', async () => {
    await using lab = await open(way);
    const { budgets } = lab;
    await budgets.set('user/eve', {
      usd: { limit_usd: '1', window: 'day' },
      tokens: { limit_tokens: 9, window: 'total' },
    });
    const topUp = (choice: { measure?: 'usd' | 'tokens'; window?: 'day' | 'week' }) =>
      budgets.grant('user/eve', { kind: 'top_up', amount: '1', ...choice });
    expect(await refusalOf(topUp({}))).toBe(
      'invalid: user/eve has budgets of tokens per total, usd per day: ' +
        'say which by measure and window',
    );
    expect(await linesOf(topUp({ measure: 'tokens' }))).toHaveLength(2);
    expect(await linesOf(topUp({ window: 'day' }))).toContain(
      'user/eve usd/day command: 0 of 2, 2 left top_up',
    );
    expect(await refusalOf(topUp({ window: 'week' }))).toContain('not_found');
  });

  test('what cannot be done is refused in words, and changes nothing', async () => {
    await using lab = await open(way);
    for (const [act, message] of REFUSED) {
      expect(await refusalOf(act(lab.budgets))).toContain(message);
    }
    expect(lab.lab.store.budgets.budgets()).toEqual([]);
    expect(lab.lab.store.budgets.grants(0)).toEqual([]);
    expect(await lab.events()).toEqual([]);
  });
});

test('a running gateway refuses and allows by what was just changed', async () => {
  const book = createBudgetBook({ rules: [], clock: createFakeClock() });
  const live = createFakeLiveGateway({ budgets: book });
  await using lab = await openAdminLab({ way: 'remote', live });
  const { budgets } = lab.operations;
  const payer = { key: ADA, model: 'llama' };
  const isHeld = (usd: number) => {
    try {
      book.reserve(payer, amountOf(usd)).cancel();
      return true;
    } catch {
      return false;
    }
  };
  expect(isHeld(5)).toBe(true);
  await budgets.set('team/red', { usd: { limit_usd: '4', window: 'day' } });
  expect(isHeld(5)).toBe(false);
  await budgets.grant('team/red', { kind: 'top_up', amount: '1' });
  expect(isHeld(5)).toBe(true);
  book.reserve(payer, amountOf(5)).settle(amountOf(5));
  expect(isHeld(1)).toBe(false);
  await budgets.reset('team/red', {});
  expect(isHeld(5)).toBe(true);
  await budgets.remove('team/red', {});
  expect(isHeld(500)).toBe(true);
});

test('what cannot be put on record is not changed', async () => {
  await using lab = await open('offline');
  const { audit } = lab.lab.store;
  Object.assign(audit, {
    record() {
      throw new Error('the trail takes nothing');
    },
  });
  await expect(
    lab.budgets.set('team/red', { usd: { limit_usd: '4', window: 'day' } }),
  ).rejects.toThrow('the trail takes nothing');
  expect(lab.lab.store.budgets.budgets()).toEqual([]);
});

test('without a configuration windows are not guessed', async () => {
  await using lab = await open('offline', null);
  await lab.budgets.set('team/red', { usd: { limit_usd: '4', window: 'day' } });
  expect(await lab.budgets.show('team/red')).toMatchObject({ file_known: false });
  const topUp = lab.budgets.grant('team/red', { kind: 'top_up', amount: '1' });
  expect(await refusalOf(topUp)).toContain('conflict: the configuration cannot be read');
  expect(await refusalOf(lab.budgets.reset('team/red', {}))).toContain('name the file with -c');
  const until = '2026-12-01T00:00:00Z';
  const raise = lab.budgets.grant('team/red', { kind: 'raise', amount: '1', until });
  expect(await linesOf(raise)).toEqual(['team/red usd/day command: 0 of 5, 5 left raise']);
});
