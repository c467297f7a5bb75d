import { describe, expect, test } from 'vitest';
import {
  createModelTable,
  type DiscoveredModels,
  MOST_FALLBACKS,
} from '../../../src/routing/model-table.ts';
import { modelsOf } from '../../support/model-of.ts';
import { aPrice } from '../../support/request-rows.ts';

const CHEAP = aPrice({ input: 1, output: 2 });
const DEAR = { ...CHEAP, output: 9_000_000 };

const llama = {
  name: 'llama',
  aliases: ['l'],
  targets: [
    { backend: 'gpu0', model: 'llama', price: null, weight: null },
    { backend: 'cloud', model: 'big', price: DEAR, weight: 2 },
  ],
  price: CHEAP,
  contextTokens: 1_000,
  maxOutputTokens: null,
  balance: 'least_busy' as const,
  firstByteMs: null,
  session: [],
  rules: [],
  variants: [],
  shadow: null,
  fallback: { unavailable: [], rate_limited: [], context: [], refused: [], budget: [] },
  hedge: null,
};

const WEIGHTS = new Map([['gpu0', 3]]);

describe('the table of models', () => {
  test('a target costs what the model costs, unless it has a price of its own', () => {
    const targets = createModelTable([llama], [], WEIGHTS).find('l')?.targets;
    expect(targets?.map(({ price }) => price)).toEqual([CHEAP, DEAR]);
  });

  test('a target weighs what its backend weighs, unless it has a weight of its own', () => {
    const targets = createModelTable([llama], [], WEIGHTS).find('l')?.targets;
    expect(targets?.map(({ weight }) => weight)).toEqual([3, 2]);
    const alone = createModelTable([llama], [], new Map()).find('l')?.targets;
    expect(alone?.map(({ weight }) => weight)).toEqual([1, 2]);
  });

  test('a configured name or alias hides a discovered model of that name', () => {
    const found = [{ backend: 'gpu1', models: [{ id: 'l', contextTokens: 5 }] }];
    const table = createModelTable([llama], found, WEIGHTS);
    expect(table.models).toHaveLength(1);
    expect(table.find('l')?.name).toBe('llama');
  });

  test.each([
    { contexts: [4_000, 8_000], shortest: 4_000, longest: 8_000 },
    { contexts: [4_000, null], shortest: 4_000, longest: null },
    { contexts: [null, null], shortest: null, longest: null },
  ])(
    'served with contexts of $contexts: $shortest can be relied on, $longest cannot be passed',
    (row) => {
      const discovered = row.contexts.map((contextTokens, index) => ({
        backend: `gpu${index}`,
        models: [{ id: 'qwen', contextTokens }],
      }));
      const model = createModelTable([], discovered, WEIGHTS).find('qwen');
      expect(model?.targets.map(({ backend }) => backend)).toEqual(['gpu0', 'gpu1']);
      expect(model?.contextTokens).toBe(row.shortest);
      expect(model?.longestContextTokens).toBe(row.longest);
    },
  );
});

describe('fallbacks', () => {
  const namesOf = (models: readonly { readonly name: string }[] | undefined) =>
    models?.map(({ name }) => name);

  test('those of a fallback come right after it, no model twice, each cause by itself', () => {
    const find = modelsOf(`  a: { targets: [gpu0], fallback: [b, d] }
  b: { targets: [gpu0], aliases: [bee], fallback: { unavailable: [c, d], context: [a] } }
  c: { targets: [gpu0] }
  d: { targets: [gpu0], fallback: { rate_limited: [bee] } }`);
    const { fallbacks } = find('a');
    expect(namesOf(fallbacks.unavailable)).toEqual(['b', 'c', 'd']);
    expect(namesOf(fallbacks.rate_limited)).toEqual(['b', 'd']);
    expect(namesOf(fallbacks.context)).toEqual([]);
    expect(namesOf(find('b').fallbacks.context)).toEqual(['a']);
  });

  test('a chain ends where nobody would wait for it', () => {
    const models = Array.from({ length: 2_000 }, (_, at) => ({
      ...llama,
      name: `m${at}`,
      aliases: [],
      fallback: { ...llama.fallback, unavailable: [`m${at + 1}`] },
    }));
    const fallbacks = createModelTable(models, [], WEIGHTS).find('m0')?.fallbacks;
    expect(fallbacks?.unavailable).toHaveLength(MOST_FALLBACKS);
    expect(fallbacks?.unavailable.at(-1)?.name).toBe('m16');
  });

  test('one that is only discovered is there while it is served', () => {
    const fallback = { ...llama.fallback, unavailable: ['small'] };
    const served = [{ backend: 'gpu1', models: [{ id: 'small', contextTokens: null }] }];
    const fallbacksWith = (discovered: DiscoveredModels) =>
      createModelTable([{ ...llama, fallback }], discovered, WEIGHTS).find('llama')?.fallbacks;
    expect(namesOf(fallbacksWith([])?.unavailable)).toEqual([]);
    expect(namesOf(fallbacksWith(served)?.unavailable)).toEqual(['small']);
  });
});
