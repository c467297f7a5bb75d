import { describe, expect, test } from 'vitest';
import { createModelTable } from '../../../src/routing/model-table.ts';
import { aPrice } from '../../support/request-rows.ts';

const CHEAP = aPrice({ input: 1, output: 2 });
const DEAR = { ...CHEAP, output: 9_000_000 };

const llama = {
  name: 'llama',
  aliases: ['l'],
  targets: [
    { backend: 'gpu0', model: 'llama', price: null },
    { backend: 'cloud', model: 'big', price: DEAR },
  ],
  price: CHEAP,
  contextTokens: 1_000,
  maxOutputTokens: null,
};

describe('the table of models', () => {
  test('a target costs what the model costs, unless it has a price of its own', () => {
    const targets = createModelTable([llama], []).find('l')?.targets;
    expect(targets?.map(({ price }) => price)).toEqual([CHEAP, DEAR]);
  });

  test('a configured name or alias hides a discovered model of that name', () => {
    const found = [{ backend: 'gpu1', models: [{ id: 'l', contextTokens: 5 }] }];
    const table = createModelTable([llama], found);
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
      const model = createModelTable([], discovered).find('qwen');
      expect(model?.targets.map(({ backend }) => backend)).toEqual(['gpu0', 'gpu1']);
      expect(model?.contextTokens).toBe(row.shortest);
      expect(model?.longestContextTokens).toBe(row.longest);
    },
  );
});
