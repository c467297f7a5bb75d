import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { renderStartingConfig, type StartingBackend } from '../../../src/config/starting-config.ts';

const ENV = { OPENAI_API_KEY: 'k1', ADMIN_KEY: 'Q7xk2VbN9wLz4RmY8pD3-hJ5s' };
const vllm = { type: 'vllm', url: 'http://127.0.0.1:8000', modelIds: ['org/llama-3'] };
const ollama = { type: 'ollama', url: 'http://127.0.0.1:11434', modelIds: [] };
const llamacpp = { type: 'llamacpp', url: 'http://127.0.0.1:8080', modelIds: ['gpt'] };

const cases: [name: string, found: StartingBackend[], ids: string[]][] = [
  ['nothing found', [], ['gpu0']],
  ['one engine', [vllm], ['vllm']],
  ['three', [vllm, llamacpp, ollama], ['vllm', 'llamacpp', 'ollama']],
  ['the same twice', [vllm, { ...vllm, url: 'http://127.0.0.1:3000' }], ['vllm_8000', 'vllm_3000']],
  ['an unknown one', [{ ...vllm, type: 'openai_compatible' }], ['local']],
  ['hostile names', [{ ...vllm, modelIds: ['a\nlisten: 0.0.0.0:1 #', '\x1b[31m', '"'] }], ['vllm']],
  ['a thousand models', [{ ...vllm, modelIds: Array.from({ length: 1_000 }, String) }], ['vllm']],
];

describe.each(cases)('%s', (_, found, ids) => {
  const text = renderStartingConfig(found);

  test('is valid as it is', () => {
    const loaded = parseConfig(text, { name: 'f', env: {}, folder: '/srv' });
    expect(loaded.warningText).toBe('');
    expect(loaded.config.backends.map(({ id }) => id)).toEqual(ids);
    expect(loaded.config.listen.hostname).toBe('127.0.0.1');
  });

  test('is valid with every example switched on', () => {
    const everything = text.replaceAll(/^( *)# (?=[a-z_]+:| {2,})/gm, '$1');
    const { config } = parseConfig(everything, { name: 'f', env: ENV, folder: '/srv' });
    expect(config.models).toHaveLength(1);
    expect(config.limits).toHaveLength(3);
    expect(config.budgets).toHaveLength(2);
    expect(config.audit.exports).toHaveLength(1);
    expect(config.backends.at(-1)?.id).toBe('cloud');
  });

  test('has lines that fit a terminal', () => {
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(180);
  });
});

test('the gateway leaves 8080 to an engine that is there already', () => {
  const { config } = parseConfig(renderStartingConfig([llamacpp]), {
    name: 'f',
    env: {},
    folder: '/srv',
  });
  expect(config.listen.port).toBe(8081);
});
