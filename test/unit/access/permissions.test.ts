import { expect, test } from 'vitest';
import { mayUseEndpoint, mayUseModel } from '../../../src/access/permissions.ts';
import { someKey } from '../../support/some-key.ts';

test.each<[readonly string[] | null, string, boolean]>([
  [null, 'anything', true],
  [[], 'anything', false],
  [['llama-3'], 'llama-3', true],
  [['llama-3'], 'llama-3.1', false],
  [['llama-3'], 'Llama-3', false],
  [['gpt*', 'llama*'], 'llama-3', true],
  [['gpt*'], 'llama-3', false],
  [['*'], 'llama-3', true],
])('models %j, asked %s: %s', (models, model, allowed) => {
  expect(mayUseModel(someKey({ models }), model)).toBe(allowed);
});

test('endpoints', () => {
  expect(mayUseEndpoint(someKey(), 'chat')).toBe(true);
  expect(mayUseEndpoint(someKey({ endpoints: [] }), 'chat')).toBe(false);
  expect(mayUseEndpoint(someKey({ endpoints: ['chat'] }), 'chat')).toBe(true);
  expect(mayUseEndpoint(someKey({ endpoints: ['chat'] }), 'embeddings')).toBe(false);
});
