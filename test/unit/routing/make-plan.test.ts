import { describe, expect, test } from 'vitest';
import { makePlan, type PlanOptions } from '../../../src/routing/make-plan.ts';
import type { Model } from '../../../src/routing/model-table.ts';
import type { RequestFacts } from '../../../src/routing/plan.ts';
import { LABELS, modelsOf } from '../../support/model-of.ts';
import { requestFacts } from '../../support/request-facts.ts';

function plan(model: Model, facts: RequestFacts, some: Partial<PlanOptions> = {}) {
  return makePlan(model, facts, {
    allowUnpriced: true,
    labelsOf: (backend) => LABELS[backend] ?? [],
    random: () => 0.5,
    ...some,
  });
}

function backendsOf({ targets }: { readonly targets: Model['targets'] }): string[] {
  return targets.map(({ backend }) => backend);
}

describe('a model without rules', () => {
  const model = modelsOf(
    '  m: { targets: [gpu0, { backend: cloud, price: { input: 1, output: 1 } }] }',
  )('m');

  test('is chosen without a look at the request, and the choice is made once', () => {
    const facts = requestFacts();
    const choice = plan(model, facts);
    expect(backendsOf(choice)).toEqual(['gpu0', 'cloud']);
    expect(plan(model, requestFacts())).toBe(choice);
    expect(facts.asked).toEqual([]);
  });

  test('loses its unpriced targets when those are denied', () => {
    expect(backendsOf(plan(model, requestFacts(), { allowUnpriced: false }))).toEqual(['cloud']);
    expect(backendsOf(plan(model, requestFacts()))).toEqual(['gpu0', 'cloud']);
  });

  test('is asked for the labels that the rule of another model demands', () => {
    const choice = plan(model, requestFacts(), { labels: ['local'] });
    expect(backendsOf(choice)).toEqual(['gpu0']);
    expect(choice.labels).toEqual(['local']);
  });
});

describe('rules', () => {
  const model = modelsOf(`  m:
    targets: [gpu0, gpu1, cloud]
    split: { canary: { share: 100%, targets: [{ backend: gpu1, model: new }] } }
    shadow: { target: { backend: cloud, model: copy } }
    rules:
      - { when: { tag: { data: secret } }, labels: [local] }
      - { when: { team: big }, labels: [local, big] }
      - { when: { input_tokens_over: 1000 }, targets: [{ backend: gpu0, model: long }] }
      - { when: { team: lost }, labels: [elsewhere] }`)('m');

  test.each([
    [
      'the first that holds decides',
      { tags: { data: 'secret' }, team: 'big' },
      1,
      ['gpu0', 'gpu1'],
    ],
    ['all labels are asked for', { team: 'big' }, 2, ['gpu0']],
    ['other targets', { inputTokens: 5_000 }, 3, ['gpu0']],
    ['labels that nobody has leave nobody', { team: 'lost' }, 4, []],
    ['no rule holds: the variant', {}, null, ['gpu1']],
  ])('%s', (_, facts, rule, backends) => {
    const choice = plan(model, requestFacts(facts));
    expect(choice.rule).toBe(rule);
    expect(backendsOf(choice)).toEqual(backends);
    expect(choice.variant?.name ?? null).toBe(rule === null ? 'canary' : null);
  });

  test('what must stay on labelled backends is not copied to others', () => {
    expect(plan(model, requestFacts()).shadow?.model).toBe('copy');
    expect(plan(model, requestFacts({ tags: { data: 'secret' } })).shadow).toBeNull();
  });

  test('what has targets of its own is not copied at all', () => {
    expect(plan(model, requestFacts({ inputTokens: 5_000 })).shadow).toBeNull();
  });

  test('labels of a rule and labels from before add up', () => {
    const facts = requestFacts({ tags: { data: 'secret' } });
    const choice = plan(model, facts, { labels: ['big'] });
    expect(backendsOf(choice)).toEqual(['gpu0']);
    expect(choice.labels).toEqual(['big', 'local']);
  });

  test('targets without a price go when those are denied, wherever they stand', () => {
    const choice = plan(model, requestFacts({ inputTokens: 5_000 }), { allowUnpriced: false });
    expect(choice).toMatchObject({ targets: [], shadow: null, rule: 3 });
  });
});

describe('shadow', () => {
  const model = modelsOf('  m: { targets: [gpu0], shadow: { target: gpu1, share: 10% } }')('m');

  test.each([
    [0, 'gpu1'],
    [0.0999, 'gpu1'],
    [0.1, undefined],
    [0.99, undefined],
  ])('a draw of %d', (drawn, backend) => {
    const { shadow } = plan(model, requestFacts(), { random: () => drawn });
    expect(shadow?.backend).toBe(backend);
  });
});

describe('variants', () => {
  const model = modelsOf(`  m:
    targets: [gpu0]
    session: [x-session-id, user]
    split:
      canary: { share: 5%, targets: [gpu1] }
      other: { share: 20%, targets: [cloud] }`)('m');
  const variantOf = (facts: RequestFacts) => plan(model, facts).variant?.name ?? null;

  test('get their shares of the sessions, to within a percent of 20,000', () => {
    const counts = { canary: 0, other: 0, none: 0 };
    for (let index = 0; index < 20_000; index += 1) {
      const facts = requestFacts({ headers: { 'x-session-id': `session-${index}` } });
      const name = variantOf(facts);
      counts[name === 'canary' || name === 'other' ? name : 'none'] += 1;
    }
    expect(Math.abs(counts.canary - 1_000)).toBeLessThan(200);
    expect(Math.abs(counts.other - 4_000)).toBeLessThan(200);
    expect(Math.abs(counts.none - 15_000)).toBeLessThan(200);
  });

  test('keep a session, whatever else differs', () => {
    for (let index = 0; index < 50; index += 1) {
      const headers = { 'x-session-id': `s${index}` };
      const first = variantOf(requestFacts({ headers }));
      expect(variantOf(requestFacts({ headers, stream: true, inputTokens: 9 }))).toBe(first);
    }
  });

  test('keep a key whose requests name no session', () => {
    const names = Array.from({ length: 400 }, (_, index) => {
      const facts = requestFacts({ keyId: `key${index}` });
      expect(variantOf(facts)).toBe(variantOf(facts));
      return variantOf(facts);
    });
    expect(new Set(names)).toEqual(new Set(['canary', 'other', null]));
  });

  test('are drawn for each model by itself', () => {
    const twins = modelsOf(`  a: { targets: [gpu0], split: { x: { share: 50%, targets: [gpu1] } } }
  b: { targets: [gpu0], split: { x: { share: 50%, targets: [gpu1] } } }`);
    let same = 0;
    for (let index = 0; index < 1_000; index += 1) {
      const facts = requestFacts({ keyId: `key${index}` });
      const [a, b] = [plan(twins('a'), facts).variant, plan(twins('b'), facts).variant];
      if ((a === null) === (b === null)) same += 1;
    }
    expect(same).toBeGreaterThan(400);
    expect(same).toBeLessThan(600);
  });
});

describe('sessions', () => {
  const model = modelsOf(
    '  m: { targets: [gpu0], session: [x-session-id, prompt_cache_key, user] }',
  )('m');
  const sessionOf = (facts: RequestFacts) => plan(model, facts).session;

  test.each([
    ['the header first', { headers: { 'x-session-id': 'h' }, body: { user: 'u' } }, 'key key1 h'],
    ['then the body', { body: { prompt_cache_key: 'c', user: 'u' } }, 'key key1 c'],
    [
      'empty ones count for nothing',
      { headers: { 'x-session-id': '' }, body: { user: 'u' } },
      'key key1 u',
    ],
    ['nor does null', { body: { prompt_cache_key: 'null', user: 'u' } }, 'key key1 u'],
    [
      'a tenant has its own, over all its keys',
      { tenant: 'acme', body: { user: 'u' } },
      'tenant acme u',
    ],
    ['none', {}, null],
  ])('%s', (_, facts, session) => {
    expect(sessionOf(requestFacts(facts))).toBe(session);
  });

  test('are plain and short, and still differ', () => {
    const hostile = [
      '\u001b[31mred\n',
      '\u001b[31mred\r',
      'a b',
      `${'x'.repeat(5_000)}1`,
      `${'x'.repeat(5_000)}2`,
    ];
    const names = hostile.map((user) => sessionOf(requestFacts({ body: { user } })) ?? '');
    for (const name of names) expect(name).toMatch(/^key key1 [\x21-\x7e]{1,64}$/);
    expect(new Set(names).size).toBe(hostile.length);
  });

  test('of one tenant never meet those of another', () => {
    const one = requestFacts({ tenant: 'a', body: { user: 'b c' } });
    const other = requestFacts({ tenant: 'a b', body: { user: 'c' } });
    expect(sessionOf(one)).not.toBe(sessionOf(other));
  });

  test('are looked for only where the model says', () => {
    const facts = requestFacts({ headers: { 'x-session-id': 'h' }, body: { user: 'u' } });
    const only = modelsOf('  m: { targets: [gpu0], session: [user] }')('m');
    expect(plan(only, facts).session).toBe('key key1 u');
    expect(facts.asked).toEqual(['parameter user']);
  });
});
