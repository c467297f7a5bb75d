import { describe, expect, test } from 'vitest';
import { parseKeyText } from '../../../src/access/key-format.ts';
import type { NewKey } from '../../../src/admin/key-schemas.ts';
import { OperationError } from '../../../src/admin/operation-error.ts';
import type { KeyOperations } from '../../../src/admin/operations.ts';
import { type AdminLab, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';

// There is one set of operations and two ways to it. Every case runs both ways on a store of its
// own, and what one way answers the other must answer to the letter.

interface Case {
  readonly name: string;
  readonly act: (keys: KeyOperations, lab: AdminLab) => Promise<unknown>;
  readonly expect: unknown;
}

const FULL: NewKey = {
  name: 'alice',
  user: 'a',
  team: 'search',
  tenant: 'acme',
  expires_at: '2027-01-31T01:00:00+01:00',
  models: ['llama-*', 'qwen'],
  endpoints: ['chat', 'embeddings'],
  limits: {
    requests_per_minute: 60,
    tokens_per_minute: 1000,
    concurrency: 4,
    max_output_tokens: 4096,
  },
  budget: { limit_usd: '25.50', window: 'month' },
  token_budget: { limit_tokens: 1_000_000, window: 'day' },
  tags: { cost: '42' },
  content: 'redacted',
};

const cases: readonly Case[] = [
  {
    name: 'create keeps every wish, and shows the text in the form that the gateway accepts',
    act: async (keys) => {
      const { key, ...shown } = await keys.create(FULL);
      return { ...shown, idOfKey: parseKeyText(key)?.id };
    },
    expect: {
      id: 'BmNyZAlMxY9k',
      idOfKey: 'BmNyZAlMxY9k',
      name: 'alice',
      prefix: 'sk-lg-BmNyZAlMxY9k-',
      status: 'active',
      created_at: '2026-11-18T10:30:00.000Z',
      expires_at: '2027-01-31T00:00:00.000Z',
      user: 'a',
      team: 'search',
      tenant: 'acme',
      models: ['llama-*', 'qwen'],
      endpoints: ['chat', 'embeddings'],
      limits: {
        requests_per_minute: 60,
        tokens_per_minute: 1000,
        concurrency: 4,
        max_output_tokens: 4096,
      },
      budget: { limit_usd: '25.5', window: 'month' },
      token_budget: { limit_tokens: 1_000_000, window: 'day' },
      tags: { cost: '42' },
      content: 'redacted',
      secrets: [{ created_at: '2026-11-18T10:30:00.000Z', expires_at: null }],
    },
  },
  {
    name: 'show finds a key by name and by id, and never has its text',
    act: async (keys) => {
      const { key, ...issued } = await keys.create({ name: 'alice' });
      return [await keys.show('alice'), await keys.show(issued.id)].map((shown) => [
        JSON.stringify(shown) === JSON.stringify(issued),
        JSON.stringify(shown).includes(key.slice(-20)),
      ]);
    },
    expect: [
      [true, false],
      [true, false],
    ],
  },
  {
    name: 'a name with a slash, spaces and a percent sign is a name like any other',
    act: async (keys) => {
      await keys.create({ name: 'a/b ?%2f ü' });
      return (await keys.suspend('a/b ?%2f ü')).status;
    },
    expect: 'suspended',
  },
  {
    name: 'a name is taken while its key is alive, and free again when it is revoked',
    act: async (keys) => {
      const first = await keys.create({ name: 'alice' });
      const refused = await codeOf(keys.create({ name: 'alice' }));
      await keys.revoke('alice');
      const second = await keys.create({ name: 'alice' });
      return [refused, first.id === second.id, (await keys.show('alice')).id === second.id];
    },
    expect: ['name_taken', false, true],
  },
  {
    name: 'the id of a key is no name for another',
    act: async (keys) => {
      const { id } = await keys.create({ name: 'alice' });
      await keys.create({ name: 'bob' });
      return [
        await codeOf(keys.create({ name: id })),
        await codeOf(keys.update('bob', { name: id })),
      ];
    },
    expect: ['name_taken', 'name_taken'],
  },
  {
    name: 'update changes what is named, clears what is null, keeps the rest',
    act: async (keys) => {
      await keys.create(FULL);
      const { id, prefix, tenant, created_at, endpoints, secrets, status, ...rest } =
        await keys.update('alice', {
          name: 'alicia',
          user: null,
          models: null,
          expires_at: null,
          limits: { requests_per_minute: null, concurrency: 9 },
          token_budget: { limit_tokens: 5, window: 'hour' },
          tags: { cost: null, env: 'prod' },
          content: null,
        });
      return rest;
    },
    expect: {
      name: 'alicia',
      user: null,
      team: 'search',
      models: null,
      expires_at: null,
      limits: {
        requests_per_minute: null,
        tokens_per_minute: 1000,
        concurrency: 9,
        max_output_tokens: 4096,
      },
      budget: { limit_usd: '25.5', window: 'month' },
      token_budget: { limit_tokens: 5, window: 'hour' },
      tags: { env: 'prod' },
      content: null,
    },
  },
  {
    name: 'null limits clear the limits and not the budgets; null tags clear all tags',
    act: async (keys) => {
      await keys.create(FULL);
      const { limits, budget, token_budget, tags } = await keys.update('alice', {
        limits: null,
        tags: null,
      });
      const { token_budget: none } = await keys.update('alice', { token_budget: null });
      return { limits, budget, token_budget, none, tags };
    },
    expect: {
      limits: {
        requests_per_minute: null,
        tokens_per_minute: null,
        concurrency: null,
        max_output_tokens: null,
      },
      budget: { limit_usd: '25.5', window: 'month' },
      token_budget: { limit_tokens: 1_000_000, window: 'day' },
      none: null,
      tags: {},
    },
  },
  {
    name: 'rotate gives the old secret the overlap and keeps the id',
    act: async (keys) => {
      const first = await keys.create({ name: 'alice' });
      const second = await keys.rotate('alice', { overlap_seconds: 3600 });
      return [first.id === second.id, first.key === second.key, second.secrets];
    },
    expect: [
      true,
      false,
      [
        { created_at: '2026-11-18T10:30:00.000Z', expires_at: '2026-11-18T11:30:00.000Z' },
        { created_at: '2026-11-18T10:30:00.000Z', expires_at: null },
      ],
    ],
  },
  {
    name: 'rotate without overlap leaves one secret',
    act: async (keys) => {
      await keys.create({ name: 'alice' });
      await keys.rotate('alice', { overlap_seconds: 3600 });
      return (await keys.rotate('alice', { overlap_seconds: 0 })).secrets.length;
    },
    expect: 1,
  },
  {
    name: 'a later rotation never lengthens what an earlier one shortened',
    act: async (keys, { clock }) => {
      await keys.create({ name: 'alice' });
      clock.advance(1000);
      await keys.rotate('alice', { overlap_seconds: 60 });
      clock.advance(1000);
      const { secrets } = await keys.rotate('alice', { overlap_seconds: 7200 });
      return secrets.map(({ expires_at }) => expires_at);
    },
    expect: ['2026-11-18T10:31:01.000Z', '2026-11-18T12:30:02.000Z', null],
  },
  {
    name: 'five secrets live at once; the sixth waits until one has ended',
    act: async (keys, { clock }) => {
      await keys.create({ name: 'alice' });
      const rotate = () => keys.rotate('alice', { overlap_seconds: 3600 });
      for (let time = 0; time < 4; time += 1) await rotate();
      const sixth = await codeOf(rotate());
      clock.advance(3_600_000);
      return [sixth, (await rotate()).secrets.length];
    },
    expect: ['conflict', 2],
  },
  {
    name: 'an expired key says so, and gets no secret that would not work',
    act: async (keys, { clock }) => {
      await keys.create({ name: 'alice', expires_at: '2026-11-18T11:00:00Z' });
      clock.advance(1_800_000);
      return [(await keys.show('alice')).status, await codeOf(keys.rotate('alice', NOW))];
    },
    expect: ['expired', 'conflict'],
  },
  {
    name: 'suspend and resume can be repeated; revoke is final and forgets the secrets',
    act: async (keys) => {
      await keys.create({ name: 'alice' });
      const suspended = [await keys.suspend('alice'), await keys.suspend('alice')];
      const resumed = [await keys.resume('alice'), await keys.resume('alice')];
      const revoked = [await keys.revoke('alice'), await keys.revoke('alice')];
      return {
        states: [...suspended, ...resumed, ...revoked].map(({ status }) => status),
        secrets: revoked[0]?.secrets,
        after: [
          await codeOf(keys.resume('alice')),
          await codeOf(keys.suspend('alice')),
          await codeOf(keys.rotate('alice', NOW)),
          await codeOf(keys.update('alice', { user: 'x' })),
        ],
      };
    },
    expect: {
      states: ['suspended', 'suspended', 'active', 'active', 'revoked', 'revoked'],
      secrets: [],
      after: ['conflict', 'conflict', 'conflict', 'conflict'],
    },
  },
  {
    name: 'a key that is not there is not_found, whatever was asked of it',
    act: async (keys) => [
      await messageOf(keys.show('nobody')),
      await codeOf(keys.update('nobody', { user: 'x' })),
      await codeOf(keys.rotate('nobody', NOW)),
      await codeOf(keys.suspend('nobody')),
      await codeOf(keys.resume('nobody')),
      await codeOf(keys.revoke('nobody')),
    ],
    expect: [
      'not_found: no key has the id or name "nobody"',
      'not_found',
      'not_found',
      'not_found',
      'not_found',
      'not_found',
    ],
  },
  {
    name: 'list walks all keys in pages, in id order',
    act: async (keys) => {
      for (const name of ['a', 'b', 'c']) await keys.create({ name });
      const first = await keys.list({ after: null, limit: 2 });
      const second = await keys.list({ after: first.next, limit: 2 });
      const ids = [...first.keys, ...second.keys].map(({ id }) => id);
      return [
        first.keys.length,
        second.keys.length,
        second.next,
        ids.toSorted().join() === ids.join(),
      ];
    },
    expect: [2, 1, null, true],
  },
];

const NOW = { overlap_seconds: 0 };

describe.each(['local', 'remote'] as const)('%s', (way) => {
  test.each(cases)('$name', async ({ act, expect: expected }) => {
    await using lab = await openAdminLab({ way, live: createFakeLiveGateway() });
    expect(await act(lab.operations.keys, lab)).toEqual(expected);
    expect(lab.failures).toEqual([]);
  });

  test.each([
    ['name', { name: '' }, 'name: use 1 to 128 visible characters'],
    ['space', { name: ' x' }, 'name: use 1 to 128 visible characters'],
    ['dots', { name: '..' }, 'not dots alone'],
    ['escape', { name: 'a\x1b[31m' }, 'name: use 1 to 128 visible characters'],
    ['bidi', { name: 'a\u202eb' }, 'name: use 1 to 128 visible characters'],
    ['user', { name: 'x', user: 'a\nb' }, 'user: use'],
    [
      'past',
      { name: 'x', expires_at: '2020-01-01T00:00:00Z' },
      'expires_at: 2020-01-01T00:00:00Z is in the past',
    ],
    ['time', { name: 'x', expires_at: 'soon' }, 'expires_at: write an RFC 3339 time'],
    ['zero', { name: 'x', limits: { concurrency: 0 } }, 'limits.concurrency: '],
    [
      'fraction',
      { name: 'x', limits: { requests_per_minute: 1.5 } },
      'limits.requests_per_minute: ',
    ],
    ['free', { name: 'x', budget: { limit_usd: '0', window: 'day' } }, 'budget.limit_usd: '],
    [
      'float',
      { name: 'x', budget: { limit_usd: '1e3', window: 'day' } },
      'budget.limit_usd: write dollars',
    ],
    [
      'half a token',
      { name: 'x', token_budget: { limit_tokens: 0.5, window: 'day' } },
      'token_budget.limit_tokens: ',
    ],
    ['content', { name: 'x', content: 'some' }, 'content: '],
    ['no model', { name: 'x', models: [] }, 'models: '],
    ['unknown', { name: 'x', rpm: 3 }, 'rpm'],
    ['tag', { name: 'x', tags: { __proto__x: 'y' } }, 'tags'],
    [
      'tags',
      {
        name: 'x',
        tags: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`t${at}`, 'v'])),
      },
      'tags: 33 tags, at most 32',
    ],
  ])('refuses a bad %s and stores nothing', async (_, input, message) => {
    const live = createFakeLiveGateway();
    await using lab = await openAdminLab({ way, live });
    // Through JSON: what arrives need not have the right type.
    const arrived: NewKey = JSON.parse(JSON.stringify(input));
    const refusal = await messageOf(lab.operations.keys.create(arrived));
    expect(refusal).toMatch(/^invalid: /);
    expect(refusal).toContain(message);
    expect(lab.store.keys.page(null, 10)).toEqual([]);
    expect(live.told).toEqual([]);
  });

  test('the running gateway hears of every change, once, with what was stored', async () => {
    const live = createFakeLiveGateway();
    await using lab = await openAdminLab({ way, live });
    const { keys } = lab.operations;
    await keys.create({ name: 'alice' });
    await keys.update('alice', { user: 'a' });
    await keys.suspend('alice');
    await keys.resume('alice');
    await keys.rotate('alice', NOW);
    await keys.revoke('alice');
    expect(live.told.map(({ status }) => status)).toEqual([
      'active',
      'active',
      'suspended',
      'active',
      'active',
      'revoked',
    ]);
    expect(lab.store.keys.page(null, 10)).toEqual([live.told.at(-1)]);
  });
});

test('both ways refuse in the same words', async () => {
  await using near = await openAdminLab({ way: 'local' });
  await using far = await openAdminLab({ way: 'remote' });
  const bad = { name: '', limits: { concurrency: 0 }, endpoints: ['chta'] };
  const [local, remote] = await Promise.all(
    [near, far].map(({ operations }) =>
      // @ts-expect-error What arrives need not have the right type.
      messageOf(operations.keys.create(bad)),
    ),
  );
  expect(remote).toBe(local);
});

async function codeOf(act: Promise<unknown>): Promise<string> {
  return (await messageOf(act)).split(':')[0] ?? '';
}

async function messageOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
  } catch (cause) {
    if (cause instanceof OperationError) return `${cause.code}: ${cause.message}`;
    throw cause;
  }
  return 'done';
}
