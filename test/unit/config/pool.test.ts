import { describe, expect, test } from 'vitest';
import { BACKEND_TYPES } from '../../../src/config/config.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';

const ENV = { KEY: 'k1', SPARE: 'k2', ADMIN: 'Q7xk2VbN9wLz4RmY8pD3-hJ5s' };
const GPU0 = 'gpu0: { type: vllm, url: "http://127.0.0.1:8000" }';

function parse(yaml: string) {
  const { config } = parseConfig(yaml, { name: 'llmgate.yaml', env: ENV, folder: '/etc/llmgate' });
  return config;
}

function backend(yaml: string) {
  const [only] = parse(`backends:\n  x: ${yaml}\n`).backends;
  if (only === undefined) throw new Error('no backend');
  return only;
}

function model(yaml: string) {
  const only = parse(`backends:\n  ${GPU0}\nmodels:\n  m: ${yaml}\n`).models[0];
  if (only === undefined) throw new Error('no model');
  return only;
}

describe('a backend', () => {
  const KNOWN: Readonly<Record<string, readonly [string | null, string | null, boolean]>> = {
    vllm: ['/health', '/metrics', true],
    sglang: ['/health', '/metrics', true],
    llamacpp: ['/health', '/metrics', true],
    tgi: ['/health', '/metrics', true],
    trtllm: ['/health', '/prometheus/metrics', true],
    ollama: ['/', null, true],
    openai: [null, null, false],
    openai_compatible: [null, null, false],
  };

  test.each(BACKEND_TYPES)('of type %s is asked where that type answers', (type) => {
    const { healthPath, metricsPath, resend } = backend(
      `{ type: ${type}, url: "http://127.0.0.1:1", api_key: "\${env:KEY}" }`,
    );
    expect([healthPath, metricsPath, resend]).toEqual(KNOWN[type]);
  });

  test('is asked where it says', () => {
    const options = 'health: off, metrics: /m?x=1, resend: true';
    expect(
      backend(`{ type: openai, api_key: ["\${env:KEY}", "\${env:SPARE}"], ${options} }`),
    ).toMatchObject({
      apiKeys: ['k1', 'k2'],
      healthPath: null,
      metricsPath: '/m?x=1',
      resend: true,
    });
  });
});

describe('a process', () => {
  const processOf = (yaml: string) =>
    backend(`{ type: llamacpp, url: "http://127.0.0.1:9001", process: ${yaml} }`).process;

  test('with every default', () => {
    expect(processOf('{ command: llama-server  -m model.gguf }')).toEqual({
      command: ['llama-server', '-m', 'model.gguf'],
      env: {},
      secrets: [],
      cwd: null,
      readyPath: '/health',
      readyTimeoutMs: 600_000,
      stopTimeoutMs: 15_000,
      maxWaitMs: 300_000,
      idleTtlMs: null,
      minResidencyMs: 30_000,
      gpus: [],
      memoryBytes: null,
      group: null,
      preload: false,
    });
  });

  test('paths start from the folder of the file, but for programs that are looked for', () => {
    expect(processOf('{ command: [bin/serve, "a b", ./x], cwd: models }')).toMatchObject({
      command: ['/etc/llmgate/bin/serve', 'a b', './x'],
      cwd: '/etc/llmgate/models',
    });
    expect(processOf('{ command: [/opt/serve] }')?.command).toEqual(['/opt/serve']);
  });

  test('what came from a reference is known as a secret', () => {
    const process = processOf(
      '{ command: x, env: { A: 1, B: "p ${env:KEY}", C: true, D: plain } }',
    );
    expect(process?.env).toEqual({ A: '1', B: 'p k1', C: 'true', D: 'plain' });
    expect(process?.secrets).toEqual(['p k1']);
  });

  test('nobody waits for it when that is off', () => {
    expect(processOf('{ command: x, max_wait: off, ready: /ready }')).toMatchObject({
      maxWaitMs: 0,
      readyPath: '/ready',
    });
  });
});

describe('a model', () => {
  test('conditions: one or several, other spellings, days by number', () => {
    const { rules } = model(`{ targets: [gpu0], rules: [{ when: { header: { X-A: "1" }, key: k,
      user: [a, b], tag: { n: 5 }, parameter: { store: true }, endpoint: chat, stream: false,
      input_tokens_over: 9, between: "23:00-01:30", weekdays: [mon, sun] }, targets: [gpu0] }] }`);
    expect(rules).toEqual([
      {
        when: {
          headers: new Map([['x-a', '1']]),
          keys: ['k'],
          users: ['a', 'b'],
          teams: [],
          tenants: [],
          tags: new Map([['n', '5']]),
          parameters: new Map([['store', 'true']]),
          endpoints: ['chat'],
          stream: false,
          inputTokensOver: 9,
          between: { fromMinute: 1_380, toMinute: 90 },
          weekdays: [1, 7],
        },
        targets: [{ backend: 'gpu0', model: 'm', price: null, weight: null }],
        labels: [],
      },
    ]);
  });

  test('shares, shadow and hedge', () => {
    const target = { backend: 'gpu0', model: 'n', price: null, weight: null };
    expect(
      model(`{ targets: [gpu0], split: { c: { share: 0.5%, targets: [{ backend: gpu0, model: n }] } },
        shadow: { target: { backend: gpu0, model: n } }, hedge: { after: p99 }, first_byte: 3s }`),
    ).toMatchObject({
      variants: [{ name: 'c', share: 0.005, targets: [target] }],
      shadow: { target, share: 1 },
      hedge: { after: { percentile: 0.99 }, budget: 0.05 },
      firstByteMs: 3_000,
    });
  });

  test('a list of fallbacks is for what passes, a map for what it says', () => {
    const none = { unavailable: [], rate_limited: [], context: [], refused: [], budget: [] };
    expect(model('{ targets: [gpu0], fallback: [a, b] }').fallback).toEqual({
      ...none,
      unavailable: ['a', 'b'],
      rate_limited: ['a', 'b'],
    });
    expect(model('{ targets: [gpu0], fallback: { context: [a] } }').fallback).toEqual({
      ...none,
      context: ['a'],
    });
  });
});

test('what is switched off is null, and how the admin plane is reached', () => {
  const config = parse(`
backends: { ${GPU0} }
queue: { keep_alive: off, weights: { a: 2.5 } }
health: { slow_start: off, breaker: { error_rate: 25% } }
overload: { lag: off, per_address: 7 }
admin: { listen: 127.0.0.1:0, keys: { ops: { key: "\${env:ADMIN}", role: admin } } }
traces: { endpoint: "http://127.0.0.1:4318/v1/traces", headers: { X-A: "Bearer \${env:KEY}" }, slow: off }
alerts: { backend_down: off, error_rate: off, queue: off, disk_free: off, audit_failure: false }
log: { levels: { gateway: debug } }
gpu: off
`);
  expect(config.queue).toMatchObject({ keepAliveMs: null, weights: new Map([['a', 2.5]]) });
  expect(config.health).toMatchObject({ slowStartMs: 0, breaker: { errorRate: 0.25 } });
  expect(config.overload).toMatchObject({ lagMs: null, perAddress: 7 });
  expect(config.admin).toEqual({
    listen: { hostname: '127.0.0.1', port: 0, tls: null },
    keys: [{ name: 'ops', secret: ENV.ADMIN, role: 'admin' }],
  });
  expect(config.traces).toEqual({
    endpoint: 'http://127.0.0.1:4318/v1/traces',
    headers: [['x-a', 'Bearer k1']],
    sample: 0.1,
    slowMs: null,
  });
  expect(config.alerts).toEqual({
    webhook: null,
    backendDownMs: null,
    errorRate: null,
    queueMs: null,
    diskFreeBytes: null,
    auditFailure: false,
  });
  expect(config.log.levels).toEqual({ gateway: 'debug' });
  expect(config.gpu).toBe('off');
});

test('a large file of nothing but mistakes is judged in time', () => {
  const count = 700;
  // Long names: what each of them was meant to be is a long search.
  const name = (kind: string, at: number) => `${kind}-${'x'.repeat(50)}-${at}`;
  const numbers = Array.from({ length: count }, (_, at) => at);
  const backends = numbers.map(
    (at) =>
      `  ${name('b', at)}: { type: vllm, url: "http://h:1", discover: false, labels: [${name('l', at)}] }`,
  );
  const models = numbers.map(
    (at) =>
      `  ${name('m', at)}: { targets: [${name('gone', at)}], fallback: [${name('lost', at)}], rules: [{ labels: [${name('no', at)}] }] }`,
  );
  const yaml = `backends:\n${backends.join('\n')}\nmodels:\n${models.join('\n')}\n`;
  expect(problemCount(yaml)).toBe(count * 3);
});

function problemCount(yaml: string): number {
  try {
    parse(yaml);
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.length;
    throw error;
  }
}
