import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toAuditJson } from '../../../src/audit/event-json.ts';
import { configChanges, configSettings } from '../../../src/config/config-changes.ts';
import { parseConfig } from '../../../src/config/load.ts';

const PEM = String(
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
);
/** The configuration refuses keys that anybody could guess. */
function randomLooking(seed: number): Buffer {
  return createHash('sha256').update(String(seed)).digest();
}

const SECRETS = {
  VENDOR_KEY: 'canary-vendor-key-0123',
  SPARE_KEY: 'canary-spare-key-4567',
  HEADER: 'canary-header-0123',
  ENGINE_KEY: 'canary-engine-key-8901',
  OPS_KEY: 'canary-ops-Q7xk2VbN9wLz4RmY8pD3',
  COLLECTOR: 'canary-collector-2345',
  CONTENT_KEY: randomLooking(7).toString('base64'),
  OLD_KEY: randomLooking(8).toString('base64'),
  SIGNING_KEY: PEM,
  S3_ID: 'canary-access-key-id',
  S3_SECRET: 'canary-secret-access-key-0123',
  SIEM: `whsec_${randomLooking(9).toString('base64')}`,
  ALERT: `whsec_${randomLooking(10).toString('base64')}`,
};

const FILE = `
backends:
  gpu0: { type: vllm, url: "http://127.0.0.1:8000" }
  cloud:
    type: openai
    api_key: ["\${env:VENDOR_KEY}", "\${env:SPARE_KEY}"]
    headers: { x-team-token: "\${env:HEADER}" }
  engine:
    type: llamacpp
    url: http://127.0.0.1:9001
    process: { command: llama-server -m x, env: { HF_TOKEN: "\${env:ENGINE_KEY}", PLAIN: canary } }
admin: { listen: 127.0.0.1:9090, keys: { ops: { key: "\${env:OPS_KEY}" } } }
traces: { endpoint: "http://127.0.0.1:4318", headers: { x-some: "\${env:COLLECTOR}" } }
queue: { weights: { research: 2 } }
models:
  ruled: { targets: [gpu0], rules: [{ when: { tag: { data: secret } }, targets: [gpu0] }] }
  small: { targets: [gpu0], price: { input: 0.1, output: 0.2 } }
limits:
  - { per: key, requests: 600/m }
audit:
  content: redacted
  content_key: "\${env:CONTENT_KEY}"
  previous_content_keys: ["\${env:OLD_KEY}"]
  signing_key: "\${env:SIGNING_KEY}"
  export:
    - type: s3
      endpoint: https://minio.example.com
      bucket: audit
      access_key_id: "\${env:S3_ID}"
      secret_access_key: "\${env:S3_SECRET}"
    - { type: webhook, url: "https://siem.example.com/T0/canary-path", secret: "\${env:SIEM}" }
alerts:
  webhook: { url: "https://hooks.example.com/T0/canary-path", secret: "\${env:ALERT}" }
`;

function parse(text = FILE, env: Readonly<Record<string, string>> = SECRETS) {
  return parseConfig(text, { name: 'llmgate.yaml', env, folder: '/etc/llmgate' }).config;
}

function expectNoSecret(value: unknown): void {
  const text = `${JSON.stringify(value)}${toAuditJson(value)}`;
  const bytes = [7, 8, 9, 10].map(randomLooking);
  const forms = [
    ...Object.values(SECRETS),
    ...bytes.flatMap((each) => [each.toString('base64'), each.toString('hex'), [...each].join()]),
    PEM.split('\n')[1] ?? PEM,
    'canary',
  ];
  for (const secret of forms) expect(text).not.toContain(secret);
}

describe('settings', () => {
  test('are told by their paths, without a secret', () => {
    const settings = configSettings(parse());
    expect(settings).toMatchObject({
      'backends.gpu0.url': 'http://127.0.0.1:8000',
      'backends.cloud.api_key': '[secret]',
      'backends.engine.process.command': ['llama-server', '-m', 'x'],
      'backends.engine.process.env.HF_TOKEN': '[secret]',
      'backends.engine.process.env.PLAIN': '[secret]',
      'admin.keys.ops.secret': '[secret]',
      'admin.keys.ops.role': 'viewer',
      'traces.headers': ['x-some: [secret]'],
      'queue.weights.research': 2,
      'models.small.price.input': 100_000,
      'audit.content': 'redacted',
      'audit.content_keys': '[secret]',
      'audit.signing_key': '[secret]',
      'alerts.webhook.url': 'https://hooks.example.com/[secret]',
      'alerts.webhook.secret': '[secret]',
      data_dir: '/etc/llmgate/llmgate-data',
    });
    expectNoSecret(settings);
  });
});

describe('a change', () => {
  test('of nothing is none', () => {
    expect(configChanges(parse(), parse())).toEqual([]);
  });

  test('is told with what was and what is', () => {
    const after = FILE.replace('600/m', '60/m')
      .replace('content: redacted', 'content: full')
      .replace('http://127.0.0.1:8000', 'http://127.0.0.1:9000')
      .replace('small:', 'tiny:')
      .replace('research: 2', 'research: 3')
      .replace('data: secret', 'data: open');
    const changes = new Map(
      configChanges(parse(), parse(after)).map(({ path, ...change }) => [path, change]),
    );
    expect(changes.get('backends.gpu0.url')).toEqual({
      before: 'http://127.0.0.1:8000',
      after: 'http://127.0.0.1:9000',
    });
    expect(changes.get('audit.content')).toEqual({ before: 'redacted', after: 'full' });
    expect(changes.get('models.small.name')).toEqual({ before: 'small', after: null });
    expect(changes.get('models.tiny.name')).toEqual({ before: null, after: 'tiny' });
    expect(changes.get('queue.weights.research')).toEqual({ before: 2, after: 3 });
    const { before, after: now } = changes.get('models.ruled.rules') ?? {};
    expect(before).toMatchObject([{ when: { tags: { data: 'secret' } } }]);
    expect(now).toMatchObject([{ when: { tags: { data: 'open' } } }]);
    expect(changes.get('limits')?.before).not.toEqual(changes.get('limits')?.after);
    expect([...changes.keys()].some((path) => path.startsWith('alerts'))).toBe(false);
  });

  test.each([
    ['VENDOR_KEY', 'backends.cloud.api_key'],
    ['SPARE_KEY', 'backends.cloud.api_key'],
    ['HEADER', 'backends.cloud.headers'],
    ['OPS_KEY', 'admin.keys.ops.secret'],
    ['COLLECTOR', 'traces.headers'],
    ['CONTENT_KEY', 'audit.content_keys'],
    ['OLD_KEY', 'audit.content_keys'],
    ['SIEM', 'secret'],
    ['ALERT', 'alerts.webhook.secret'],
  ] as const)('of the secret %s shows that it changed, and nothing of it', (name, path) => {
    const other = { ...SECRETS, [name]: SECRETS[name].replace(/[A-Za-z](?=[^A-Za-z]*$)/, 'Z') };
    const changes = configChanges(parse(), parse(FILE, other));
    expect(changes.map((change) => change.path)).toEqual([expect.stringContaining(path)]);
    expect(JSON.stringify(changes)).toContain('[secret]');
    expectNoSecret(changes);
  });

  test('of everything is counted past what an event can carry', () => {
    const many = Array.from(
      { length: 300 },
      (_, at) => `  m${at}: { targets: [gpu0], price: { input: ${at + 1}, output: 1 } }`,
    );
    const changes = configChanges(
      parse(),
      parse(FILE.replace('models:', `models:\n${many.join('\n')}`)),
    );
    expect(changes).toHaveLength(201);
    expect(changes.at(-1)?.path).toMatch(/^and \d+ more$/);
  });
});
