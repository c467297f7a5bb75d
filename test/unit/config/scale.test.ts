import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';

const ENV = { HOOK: 'Q7xk2VbN9wLz4RmY8pD3-hJ5s' };

function parse(scale: string) {
  const text = `backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:8000" }\nscale: ${scale}\n`;
  return parseConfig(text, { name: 'llmgate.yaml', env: ENV, folder: '/etc/llmgate' }).config;
}

describe('scale', () => {
  test('nobody is told by default', () => {
    expect(parse('{}').scaleHooks).toEqual([]);
  });

  test('a command up, a webhook down', () => {
    const up = '{ waiting: 10, utilisation: 90%, command: add-server --one }';
    const down =
      '{ utilisation: 20%, for: 20m, webhook: { url: "https://h.example/x", secret: "${env:HOOK}" } }';
    expect(parse(`{ more: { model: chat, up: ${up}, down: ${down} } }`).scaleHooks).toEqual([
      {
        name: 'more',
        subject: { kind: 'model', name: 'chat' },
        up: {
          ...{ waiting: 10, utilisation: 0.9, forMs: 60_000 },
          action: { kind: 'command', command: ['add-server', '--one'], timeoutMs: 60_000 },
        },
        down: {
          ...{ waiting: null, utilisation: 0.2, forMs: 1_200_000 },
          action: { kind: 'webhook', url: 'https://h.example/x', secret: ENV.HOOK },
        },
        cooldownMs: 300_000,
      },
    ]);
  });

  test('a program beside the file is found wherever llmgate is started', () => {
    const [hook] = parse(
      '{ more: { model: a, up: { waiting: 1, command: bin/add x } } }',
    ).scaleHooks;
    expect(hook?.up?.action).toMatchObject({ command: ['/etc/llmgate/bin/add', 'x'] });
  });

  const step = 'up: { waiting: 1, command: x }';
  test.each([
    ['{ model: a }', 'neither up nor down'],
    [`{ ${step} }`, 'neither model nor backend'],
    [`{ model: a, backend: gpu0, ${step} }`, 'both model and backend'],
    [`{ backend: gpu1, ${step} }`, 'unknown backend "gpu1"'],
    ['{ model: a, up: { waiting: 1 } }', 'neither command nor webhook'],
    ['{ model: a, up: { command: x } }', 'has no bound'],
    [
      '{ model: a, up: { waiting: 5, command: x }, down: { waiting: 5, command: y } }',
      'must be below waiting of up',
    ],
    [
      '{ model: a, up: { utilisation: 50%, command: x }, down: { utilisation: 60%, command: y } }',
      'must be below utilisation of up',
    ],
    [
      '{ model: a, up: { waiting: 1, webhook: { url: "https://h.example", secret: plain } } }',
      'no secrets in this file',
    ],
    ['{ model: a, up: { waitng: 1, command: x } }', 'waitng'],
    ['{ model: a, up: { waiting: 1, command: "a && b" } }', 'no shell reads this'],
    ['{ model: a, up: { waiting: 1, command: " " } }', 'a command begins with a program'],
    ['{ model: a, up: { waiting: 1, command: [add, --token=abc] } }', 'list of processes'],
  ])('%s is refused', (hook, words) => {
    expect(() => parse(`{ more: ${hook} }`)).toThrow(words);
  });
});
