import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findConfigFile } from '../../../src/config/find-config-file.ts';
import { loadConfig, parseConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import type { Env } from '../../../src/config/secrets.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmgate-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DAY_MS = 86_400_000;
const PEM = generateKeyPairSync('ed25519')
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
/** What 0.1 and 0.0375 dollars are, and what follows them. */
const PRICE = {
  ...{ input: 100_000, cachedInput: 100_000, cacheWrite: 100_000 },
  ...{ audioInput: 100_000, imageInput: 100_000 },
  ...{ output: 37_500, reasoning: 37_500, audioOutput: 37_500, imageOutput: 37_500 },
  ...{ tiers: [], gpuHour: 0 },
};
const SMALLEST = 'backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:8000" }\n';

function parse(text: string, env: Env = {}) {
  return parseConfig(text, { name: 'llmgate.yaml', env, folder }).config;
}

function problemsOf(load: () => unknown): ConfigError {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('what the rest of the program gets', () => {
  test('the smallest file, with every default filled in', () => {
    expect(parse(SMALLEST)).toEqual({
      listen: { hostname: '127.0.0.1', port: 8080, tls: null },
      dataDir: join(folder, 'llmgate-data'),
      durability: 'process',
      backends: [
        {
          id: 'gpu0',
          type: 'vllm',
          url: 'http://127.0.0.1:8000',
          apiKeys: [],
          headers: [],
          discover: true,
          weight: 1,
          maxConcurrency: null,
          labels: [],
          resend: true,
          healthPath: '/health',
          metricsPath: '/metrics',
          process: null,
        },
      ],
      models: [],
      scaleHooks: [],
      timeouts: { connectMs: 2_000, firstByteMs: 120_000, idleMs: 60_000, totalMs: 900_000 },
      retries: {
        attempts: 2,
        budget: 0.2,
        backoffMs: 100,
        maxWaitMs: 5_000,
        holdMs: 5_000,
        holdBytes: 64_000,
      },
      queue: {
        maxWaiting: 1_000,
        maxWaitMs: 30_000,
        fairBy: 'key',
        weights: new Map(),
        priorities: ['high', 'normal', 'low'],
        defaultPriority: 'normal',
        engineQueue: 8,
        stickyTokens: 262_144,
        keepAliveMs: 10_000,
      },
      health: {
        intervalMs: 5_000,
        timeoutMs: 2_000,
        downAfter: 3,
        upAfter: 2,
        slowStartMs: 30_000,
        breaker: { errorRate: 0.5, minAttempts: 10, windowMs: 30_000, openMs: 5_000 },
        loadIntervalMs: 1_000,
      },
      overload: {
        bytesInFlight: 1_000_000_000,
        requestsInFlight: 20_000,
        lagMs: 1_000,
        perAddress: null,
      },
      admin: { listen: null, keys: [] },
      metrics: { names: 'llmgate', labels: [], maxLabelValues: 100 },
      traces: null,
      gpu: 'auto',
      limits: [],
      budgets: [],
      unpricedModels: 'allow',
      maxBodyBytes: 32_000_000,
      timezone: 'UTC',
      audit: {
        content: 'off',
        contentKeys: [],
        contentCapBytes: 1_000_000,
        contentRetentionMs: 30 * DAY_MS,
        retentionMs: 184 * DAY_MS,
        adminRetentionMs: 2_190 * DAY_MS,
        onFailure: 'refuse',
        checkpointIntervalMs: DAY_MS / 24,
        signingKey: null,
        exports: [],
      },
      usage: { retentionMs: 400 * DAY_MS },
      alerts: {
        webhook: null,
        backendDownMs: 60_000,
        errorRate: 0.1,
        queueMs: 30_000,
        diskFreeBytes: 1_000_000_000,
        auditFailure: true,
      },
      log: { level: 'info', levels: {}, format: 'json' },
    });
  });

  test('units, defaults inside maps, and secrets', () => {
    const config = parse(
      `
backends:
  cloud:
    type: openai
    api_key: \${env:KEY}
    headers: { X-Team: ml, Authorization2: "Bearer \${env:TOKEN}" }
    discover: false
models:
  a: { targets: [cloud, { backend: cloud, model: b }], price: { input: 0.1, output: 0.0375 } }
limits:
  - { per: key, requests: 600/m }
  - { per: user, model: "a*", tokens: 5/s, burst: 9 }
  - { per: all, endpoint: chat, concurrent: 4 }
budgets:
  - { per: all, usd: 0.1, window: month }
  - { per: team, name: "r*", tokens: 5, window: day, alert_at: [50%, 100%], on_exceed: shrink }
max_body: 1MiB
`,
      { KEY: ' k1\n', TOKEN: 't1' },
    );
    expect(config.backends).toEqual([
      {
        id: 'cloud',
        type: 'openai',
        url: 'https://api.openai.com',
        apiKeys: ['k1'],
        headers: [
          ['x-team', 'ml'],
          ['authorization2', 'Bearer t1'],
        ],
        discover: false,
        weight: 1,
        maxConcurrency: null,
        labels: [],
        resend: false,
        healthPath: null,
        metricsPath: null,
        process: null,
      },
    ]);
    expect(config.models).toEqual([
      {
        name: 'a',
        aliases: [],
        targets: [
          { backend: 'cloud', model: 'a', price: null, weight: null },
          { backend: 'cloud', model: 'b', price: null, weight: null },
        ],
        price: PRICE,
        contextTokens: null,
        maxOutputTokens: null,
        balance: 'least_busy',
        firstByteMs: null,
        maxConcurrency: null,
        session: [],
        rules: [],
        variants: [],
        shadow: null,
        fallback: { unavailable: [], rate_limited: [], context: [], refused: [], budget: [] },
        hedge: null,
      },
    ]);
    const rule = { model: null, endpoint: null, requests: null, tokens: null, concurrent: null };
    expect(config.limits).toEqual([
      { ...rule, per: 'key', requests: { count: 600, windowMs: 60_000, burst: 600 } },
      { ...rule, per: 'user', model: 'a*', tokens: { count: 5, windowMs: 1_000, burst: 9 } },
      { ...rule, per: 'all', endpoint: 'chat', concurrent: 4 },
    ]);
    const budget = { name: null, alertAt: [], onExceed: 'refuse' };
    expect(config.budgets).toEqual([
      { ...budget, per: 'all', measure: 'usd', limit: 100_000_000, window: 'month' },
      {
        ...{ per: 'team', name: 'r*', measure: 'tokens', limit: 5, window: 'day' },
        ...{ alertAt: [50, 100], onExceed: 'shrink' },
      },
    ]);
    expect(config.maxBodyBytes).toBe(1_048_576);
  });

  test('prices: what is not written follows input and output, in every tier and target', () => {
    const config = parse(`${SMALLEST}models:
  a:
    targets: [gpu0, { backend: gpu0, model: b, price: { gpu_hour: 2.5, gpus: 4 } }]
    price:
      input: 0.1
      output: 0.0375
      tiers: [{ above: 200000, input: 0.2, output: 0.075, audio_output: 9, cache_write: 0.3 }]
`);
    const [model] = config.models;
    const tier = {
      ...{ aboveInputTokens: 200_000, input: 200_000, cachedInput: 200_000, cacheWrite: 300_000 },
      ...{ audioInput: 200_000, imageInput: 200_000, output: 75_000, reasoning: 75_000 },
      ...{ audioOutput: 9_000_000, imageOutput: 75_000 },
    };
    expect(model?.price).toEqual({ ...PRICE, tiers: [tier] });
    const free = Object.fromEntries(Object.keys(PRICE).map((name) => [name, 0]));
    expect(model?.targets[1]?.price).toEqual({ ...free, tiers: [], gpuHour: 10_000_000 });
  });

  test('the audit trail: keys, where it is copied to, and names of places that stay', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
    const config = parse(
      `${SMALLEST}
timezone: europe/berlin
audit:
  content: redacted
  content_key: \${env:BASE64}
  previous_content_keys: ["\${env:HEX}"]
  content_cap: 2KB
  content_retention: 1d
  retention: 200d
  on_failure: allow
  signing_key: \${env:PEM}
  export:
    - { type: file, path: audit.jsonl }
    - { type: syslog, address: "udp://[::1]" }
    - { type: syslog, address: "tls://logs.example.com" }
    - { type: s3, bucket: audit, region: eu-central-1, access_key_id: "\${env:ID}", secret_access_key: "\${env:SECRET}" }
    - { type: s3, bucket: audit, prefix: a/, endpoint: "https://Minio.example.com:443/", access_key_id: "\${env:ID}", secret_access_key: "\${env:SECRET}" }
    - { type: webhook, url: "https://hooks.example.com/a?token=1", secret: "\${env:SECRET}" }
alerts: { webhook: { url: "https://hooks.example.com", secret: "\${env:SECRET}" } }
`,
      {
        BASE64: Buffer.from(bytes).toString('base64url'),
        HEX: Buffer.from(bytes.toReversed()).toString('hex').toUpperCase(),
        PEM,
        ID: 'AKID',
        SECRET: 'V2VhayBwYXNz-93kfU',
      },
    );
    expect(config.timezone).toBe('Europe/Berlin');
    expect(config.audit).toMatchObject({
      ...{ content: 'redacted', contentCapBytes: 2_000, contentRetentionMs: DAY_MS },
      ...{ retentionMs: 200 * DAY_MS, onFailure: 'allow', signingKey: PEM.trim() },
    });
    expect(config.audit.contentKeys).toEqual([bytes, bytes.toReversed()]);
    const s3 = {
      type: 's3',
      bucket: 'audit',
      accessKeyId: 'AKID',
      secretAccessKey: 'V2VhayBwYXNz-93kfU',
    };
    expect(config.audit.exports).toEqual([
      { type: 'file', id: `file:${folder}/audit.jsonl`, path: `${folder}/audit.jsonl` },
      {
        type: 'syslog',
        id: 'syslog:udp://[::1]:514',
        transport: 'udp',
        hostname: '::1',
        port: 514,
      },
      {
        ...{ type: 'syslog', id: 'syslog:tls://logs.example.com:6514' },
        ...{ transport: 'tls', hostname: 'logs.example.com', port: 6514 },
      },
      {
        ...{ ...s3, id: 's3:https://s3.eu-central-1.amazonaws.com/audit/', prefix: '' },
        ...{ endpoint: 'https://s3.eu-central-1.amazonaws.com', region: 'eu-central-1' },
      },
      {
        ...{ ...s3, id: 's3:https://minio.example.com/audit/a/', prefix: 'a/' },
        ...{ endpoint: 'https://minio.example.com', region: 'us-east-1' },
      },
      {
        type: 'webhook',
        // The path may be a credential.
        id: expect.stringMatching(/^webhook:https:\/\/hooks\.example\.com\/[0-9a-f]{12}$/),
        url: 'https://hooks.example.com/a?token=1',
        secret: 'V2VhayBwYXNz-93kfU',
      },
    ]);
    expect(config.alerts.webhook?.url).toBe('https://hooks.example.com/');
  });

  test('nobody can change it', () => {
    const config = parse(SMALLEST);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.backends[0]?.headers)).toBe(true);
  });
});

describe('the file', () => {
  const at = (name: string) => join(folder, name);
  const load = (name: string) => loadConfig({ path: at(name), env: {} });

  test('is found through links, and relative paths start from its folder', () => {
    mkdirSync(at('real'));
    writeFileSync(at('real/llmgate.yaml'), SMALLEST);
    symlinkSync('real/llmgate.yaml', at('link.yaml'));
    expect(load('real/llmgate.yaml').config.dataDir).toBe(at('real/llmgate-data'));
    expect(load('link.yaml').config.dataDir).toBe(at('llmgate-data'));
  });

  test.each([
    ['missing.yaml', () => {}, 'does not exist'],
    ['folder.yaml', (path: string) => mkdirSync(path), 'is a folder'],
    ['pipe.yaml', (path: string) => execFileSync('mkfifo', [path]), 'is a pipe'],
    ['circle.yaml', (path: string) => symlinkSync('circle.yaml', path), 'leads in a circle'],
    ['large.yaml', (path: string) => writeFileSync(path, '#'.repeat(1_000_001)), 'is larger than'],
    ['binary.yaml', (path: string) => writeFileSync(path, new Uint8Array([0xff])), 'not UTF-8'],
    ['utf16.yaml', (path: string) => writeFileSync(path, '\ufeffa', 'utf16le'), 'not UTF-8'],
  ])('%s is refused without a wait', (name, make, message) => {
    make(at(name));
    const error = problemsOf(() => load(name));
    expect(error.message).toContain(`${name}: `);
    expect(error.message).toContain(message);
    expect(error.problems).toEqual([expect.objectContaining({ line: 0, column: 0, path: '' })]);
  });

  test('may begin with a byte order mark and have Windows line ends', () => {
    writeFileSync(at('windows.yaml'), `\ufeff${SMALLEST.replaceAll('\n', '\r\n')}`);
    expect(load('windows.yaml').config.backends).toHaveLength(1);
  });
});

describe('secret files', () => {
  const yaml = (name: string) =>
    `backends: { gpu0: { type: vllm, url: "http://x", api_key: "\${file:${name}}" } }`;
  const write = (name: string, content: string, mode: number) => {
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), mode);
  };

  test.each([0o600, 0o400])('one of mode %o is read, without its last line break', (mode) => {
    write('good', 'CANARY-secret\n', mode);
    expect(parse(yaml('good')).backends[0]?.apiKeys).toEqual(['CANARY-secret']);
    expect(parse(yaml(join(folder, 'good'))).backends[0]?.apiKeys).toEqual(['CANARY-secret']);
    rmSync(join(folder, 'good'));
  });

  test.each([
    ['open to the group', 'CANARY', 0o640, 'readable by other users (mode 0640); run chmod 600'],
    ['open to everybody', 'CANARY', 0o604, 'readable by other users'],
    ['empty', '\n', 0o600, 'is empty'],
    ['two lines', 'CANARY\nCANARY', 0o600, 'line break'],
    ['a huge one', 'CANARY'.repeat(20_000), 0o600, 'larger than 65536 bytes'],
  ])('%s: refused, and nothing of it is shown', (name, content, mode, message) => {
    write(name, content, mode);
    const error = problemsOf(() => parse(yaml(name)));
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('CANARY');
    expect(error.problems).toHaveLength(1);
  });

  test('a folder is no secret', () => {
    mkdirSync(join(folder, 'secret-folder'));
    expect(problemsOf(() => parse(yaml('secret-folder'))).message).toContain('is a folder');
  });
});

describe('TLS files', () => {
  const yaml = `listen: { address: "127.0.0.1:0", tls: { cert_file: cert.pem, key_file: key.pem } }\n`;
  const write = (name: string, content: string, mode = 0o600) => {
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), mode);
  };
  const ANY_PEM = '-----BEGIN SOMETHING-----\n';

  test('are found beside the configuration', () => {
    write('cert.pem', ANY_PEM, 0o644);
    write('key.pem', ANY_PEM, 0o640);
    const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
    expect(parse(yaml + SMALLEST).listen).toEqual({
      hostname: '127.0.0.1',
      port: 0,
      tls: files,
    });
  });

  test.each([
    [
      'a key that everybody can read',
      () => write('key.pem', ANY_PEM, 0o644),
      'readable by every user',
    ],
    ['a key that is no PEM', () => write('key.pem', 'DER'), 'not a PEM file'],
    ['no key', () => rmSync(join(folder, 'key.pem')), 'the file does not exist'],
  ])('%s', (_, change, message) => {
    write('cert.pem', ANY_PEM);
    write('key.pem', ANY_PEM);
    change();
    const { problems } = problemsOf(() => parse(yaml + SMALLEST));
    expect(problems).toEqual([
      expect.objectContaining({ path: 'listen.tls.key_file', message: expect.any(String) }),
    ]);
    expect(problems[0]?.message).toContain(message);
  });
});

describe('bounds', () => {
  test('the admin socket must fit the path of a socket', () => {
    const text = (dataDir: string) => `data_dir: ${dataDir}\n${SMALLEST}`;
    const fits = `/${'d'.repeat(103 - '/admin.sock'.length - 1)}`;
    expect(parse(text(fits)).dataDir).toBe(fits);
    expect(problemsOf(() => parse(text(`${fits}d`))).message).toContain('104 bytes');
  });

  test('a hundred aliases are many, more are refused', () => {
    const text = (count: number) => `${SMALLEST}models:
  a: { targets: &t [gpu0] }
${Array.from({ length: count }, (_, index) => `  a${index}: { targets: *t }\n`).join('')}`;
    expect(parse(text(100)).models).toHaveLength(101);
    expect(problemsOf(() => parse(text(101))).message).toContain('more than 100 aliases');
  });
});

describe('where the file is looked for', () => {
  test('a flag, then the environment, then the folder, then the home', () => {
    const cwd = mkdtempSync(join(folder, 'cwd-'));
    const home = mkdtempSync(join(folder, 'home-'));
    const env = { LLMGATE_CONFIG: 'env.yaml', HOME: home };
    expect(findConfigFile({ flag: 'flag.yaml', env, cwd })).toBe(join(cwd, 'flag.yaml'));
    expect(findConfigFile({ flag: undefined, env, cwd })).toBe(join(cwd, 'env.yaml'));

    const unnamed = { LLMGATE_CONFIG: '', HOME: home };
    const inHome = join(home, '.config/llmgate/config.yaml');
    const inXdg = join(home, 'xdg/llmgate/config.yaml');
    for (const path of [inHome, inXdg]) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, '');
    }
    expect(findConfigFile({ flag: undefined, env: unnamed, cwd })).toBe(inHome);
    const xdg = { ...unnamed, XDG_CONFIG_HOME: join(home, 'xdg') };
    expect(findConfigFile({ flag: undefined, env: xdg, cwd })).toBe(inXdg);
    writeFileSync(join(cwd, 'llmgate.yaml'), '');
    expect(findConfigFile({ flag: undefined, env: xdg, cwd })).toBe(join(cwd, 'llmgate.yaml'));
  });
});
