import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKeyText, digestSecret, parseKeyText } from '../../src/access/key-format.ts';
import { systemRandom } from '../../src/core/clock.ts';
import type { FaultInput } from '../../src/mock/fault.ts';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import { LlmgateProcess, runLlmgate } from '../support/llmgate-process.ts';
import { RawCaller } from '../support/raw-caller.ts';
import { type IssuedKey, ServeLab } from '../support/serve-lab.ts';

// Secrets and prompts that can be told from everything else go through the compiled gateway: good
// requests, bad ones, every command, a refused configuration and a crash. Then every place where
// something was written is searched for them.

const ENV = {
  BACKEND_KEY: 'canary-backend-key-of-the-environment',
  HEADER_SECRET: 'canary-secret-of-an-extra-header',
};
const FILE_SECRET = 'canary-backend-key-of-a-file';
const LITERALS = {
  key: 'sk-canarywrittenintothefile0001',
  header: 'canary-literal-of-a-header-0002',
  url: 'canary-literal-of-a-url-0003',
};
const PROMPT = 'canary prompt, the safe of the branch in Ghent opens at 4-8-15-16';
const ANSWER = 'canary answer, the vault of the branch in Lyon opens at 23-42-07';

/** Everything that was written to somewhere, by where. */
const written = new Map<string, string>();
const canaries = new Map<string, string>([
  ['the backend key from the environment', ENV.BACKEND_KEY],
  ['the backend key from a file', FILE_SECRET],
  ['the secret in an extra header', ENV.HEADER_SECRET],
  ['the key written into the file', LITERALS.key],
  ['the header written into the file', LITERALS.header],
  ['the password written into the file', LITERALS.url],
]);
const statuses: number[] = [];
/** Places that hold the caller's own words for the caller. */
const PRIVATE = ['answers', 'answers of failing backends'];

let mock: Mock;
let lab: ServeLab;
let gateway: LlmgateProcess;
let url = '';

function write(place: string, text: string): void {
  written.set(place, `${written.get(place) ?? ''}${text}\n`);
}

beforeAll(async () => {
  mock = await startMock({ models: ['small', 'other'], behaviour: { text: ANSWER } });
  lab = new ServeLab(configOf('json'));
  writeFileSync(join(lab.folder, 'backend.key'), `${FILE_SECRET}\n`);
  chmodSync(join(lab.folder, 'backend.key'), 0o600);

  const early = await createKey('early');
  gateway = await serve();
  const late = await createKey('late');
  const rotated = JSON.parse(await command('keys', 'rotate', 'early', '--json')) as IssuedKey;
  written.delete('keys rotate early --json');
  addKey('the rotated secret of a key', rotated.key);
  await askWell([early.key, late.key, rotated.key]);
  await askBadly(late.key);
  await askFailingBackends(late.key);
  await administer();
  await reloadBadFiles();
  await crashAndRestart(late.key);
});
afterAll(async () => {
  await gateway.stop();
  await mock.stop();
  lab[Symbol.dispose]();
});

function configOf(format: 'json' | 'text'): string {
  return `log: { level: debug, format: ${format} }
retries: { attempts: 1 }
health: { breaker: { min_attempts: 1000 } }
backends:
  env: { type: vllm, url: "${mock.url}", api_key: "\${env:BACKEND_KEY}" }
  file:
    type: openai_compatible
    url: "${mock.url}"
    api_key: "\${file:./backend.key}"
    headers: { x-extra: "Token \${env:HEADER_SECRET}" }
models:
  small: { targets: [env], price: { input: 1, output: 2 } }
  other: { targets: [file] }`;
}

async function serve(): Promise<LlmgateProcess> {
  const started = new LlmgateProcess(['serve'], { cwd: lab.folder, env: ENV });
  const [, at = ''] = await started.untilLine(/^llmgate \S+ on (http:\S+),/);
  await started.untilLine(/models_discovered.*\bfile\b/);
  url = at;
  return started;
}

async function command(...args: string[]): Promise<string> {
  const { stdout, stderr } = await runLlmgate(args, { cwd: lab.folder, env: ENV });
  write(args.join(' '), `${stdout}\n${stderr}`);
  return stdout;
}

/** Makes a key; its text is printed this once, so this output is not searched. */
async function createKey(name: string): Promise<IssuedKey> {
  const args = ['keys', 'create', '--name', name, '--json'];
  const issued = JSON.parse(await command(...args)) as IssuedKey;
  written.delete(args.join(' '));
  addKey(`the secret of key ${name}`, issued.key);
  return issued;
}

function addKey(name: string, text: string): void {
  canaries.set(name, parseKeyText(text)?.secret ?? '');
}

interface Asking {
  readonly key: string;
  readonly path?: string;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back, head and body, goes to `place`. */
async function ask(place: string, { key, path, body, headers }: Asking): Promise<void> {
  const response = await fetch(url + (path ?? '/v1/chat/completions'), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  statuses.push(response.status);
  write(place, `${JSON.stringify([...response.headers])}\n${await response.text()}`);
}

const MESSAGES = [{ role: 'user', content: PROMPT }];
const CHAT = { model: 'small', messages: MESSAGES };

async function askWell(keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await ask('answers', { key, body: CHAT });
    await ask('answers', { key, body: { ...CHAT, model: 'other', stream: true } });
  }
  const [key = ''] = keys;
  const tools = [{ type: 'function', function: { name: 'f', description: PROMPT } }];
  await ask('answers', { key, body: { ...CHAT, tools, user: PROMPT, metadata: { note: PROMPT } } });
  await ask('answers', { key, path: '/v1/embeddings', body: { model: 'small', input: PROMPT } });
  const anthropic = { ...CHAT, max_tokens: 99, system: PROMPT };
  await ask('answers', { key, path: '/v1/messages', body: anthropic });
}

async function askBadly(key: string): Promise<void> {
  const place = 'refusals';
  const stranger = createKeyText(systemRandom);
  addKey('a key that nobody issued', stranger.text);
  await ask(place, { key: stranger.text, body: CHAT });
  await ask(place, { key: `${key.slice(0, -1)}_`, body: CHAT });
  await ask(place, { key, body: CHAT, path: `/v1/chat/completions?key=${key}` });
  await ask(place, { key, body: CHAT, path: `/v1/nowhere/${key}` });
  await ask(place, { key, body: CHAT, headers: { 'x-api-key': stranger.text } });
  await ask(place, { key, body: CHAT, headers: { 'content-type': 'text/plain' } });
  await ask(place, { key, body: `${JSON.stringify(CHAT)}${PROMPT}` });
  await ask(place, { key, body: JSON.stringify(CHAT).replace(PROMPT, `${PROMPT}\u0001`) });
  await ask(place, { key, body: { ...CHAT, max_tokens: PROMPT } });
  await ask(place, { key, body: { ...CHAT, messages: [{ role: PROMPT, content: PROMPT }] } });
  await ask(place, { key, body: { ...CHAT, api_base: PROMPT, api_key: stranger.text } });
  await ask(place, { key, body: { ...CHAT, model: 'nobody' } });
}

/** Backends that repeat what they should keep to themselves: our credentials and the prompt. */
async function askFailingBackends(key: string): Promise<void> {
  const place = 'answers of failing backends';
  const echo = (secret: string) => `refused "Bearer ${secret}" for "${PROMPT}"`;
  for (const [model, secret] of [
    ['small', ENV.BACKEND_KEY],
    ['other', FILE_SECRET],
    ['other', ENV.HEADER_SECRET],
  ] as const) {
    const message = echo(secret);
    const body = { error: { message, code: 'oops', param: 'messages' } };
    const faults: FaultInput[] = [200, 400, 401, 403, 404, 422, 429, 500, 503].map((status) => ({
      kind: 'status',
      status,
      body,
    }));
    for (const fault of [...faults, { kind: 'html' }, { kind: 'reset' }] as const) {
      mock.script({ fault });
      await ask(place, { key, body: { ...CHAT, model } });
      // Failures in a row would keep the next one from the backend.
      await ask('answers', { key, body: { ...CHAT, model } });
    }
    for (const fault of [
      { kind: 'error_frame', after_tokens: 2, message },
      { kind: 'error_frame', message },
      { kind: 'reset', after_tokens: 2 },
      { kind: 'malformed', after_tokens: 2 },
    ] as const) {
      mock.script({ fault });
      await ask(place, { key, body: { ...CHAT, model, stream: true } });
      await ask('answers', { key, body: { ...CHAT, model } });
    }
  }
}

const COMMANDS = [
  'keys list',
  'keys show early',
  'usage --by key,model',
  'usage --by user,endpoint,outcome',
  'models list',
  'models show small',
  'backends list',
  'backends show env',
  'backends show file',
  'status',
  'ledger check',
  'validate',
];
const ADMIN_PATHS = [
  '/admin/v1/keys',
  '/admin/v1/keys/early',
  '/admin/v1/keys/nobody',
  '/admin/v1/usage?by=key,model',
  '/admin/v1/models',
  '/admin/v1/backends',
  '/admin/v1/status',
  '/admin/v1/ledger/check',
  '/openapi.json',
];

async function administer(): Promise<void> {
  await command('keys', 'suspend', 'early');
  await command('keys', 'resume', 'early');
  for (const line of COMMANDS) {
    await command(...line.split(' '));
    await command(...line.split(' '), '--json');
  }
  for (const path of ADMIN_PATHS) {
    const unix = join(lab.dataDir, 'admin.sock');
    const response = await fetch(`http://admin${path}`, { unix });
    write('the admin API', `${path} ${await response.text()}`);
  }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    write('command lines', readIfThere(join('/proc', pid, 'cmdline')));
  }
}

/** A process may be gone by the time it is looked at. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Secrets written straight into the file are problems, and problems are shown with their line. */
async function reloadBadFiles(): Promise<void> {
  const good = configOf('json');
  for (const bad of [
    good.replace('"${env:BACKEND_KEY}"', LITERALS.key),
    good.replace('"Token ${env:HEADER_SECRET}"', `["${LITERALS.header}"]`),
    good.replace('http://', `http://me:${LITERALS.url}@`),
    `${good}\n  broken: { api_key: ${LITERALS.key}, [`,
  ]) {
    lab.writeConfig(bad);
    await command('validate');
    await command('validate', '--json');
    await command('reload');
    const refused = gateway.lines.filter((line) => line.includes('reload_refused')).length;
    gateway.signal('SIGHUP');
    await gateway.untilFound(() => {
      const now = gateway.lines.filter((line) => line.includes('reload_refused')).length;
      return now > refused ? now : null;
    }, 'another refused reload');
  }
  lab.writeConfig(good);
  // The watcher of the file may have read the good one before the command did.
  expect(await command('reload')).toMatch(/^configuration [23] is in use/);
}

async function crashAndRestart(key: string): Promise<void> {
  scanData('data directory of the running gateway');
  gateway.signal('SIGSEGV');
  await gateway.exited;
  await gateway.untilLine(/Segmentation fault/);
  write('log and crash report', gateway.lines.join('\n'));
  scanData('data directory after the crash');

  lab.writeConfig(configOf('text'));
  gateway = await serve();
  await ask('answers', { key, body: CHAT });
  mock.script({ fault: { kind: 'server_error' } });
  await ask('answers of failing backends', { key, body: CHAT });
  await gateway.stop();
  write('log in text form', gateway.lines.join('\n'));
  scanData('data directory after a clean stop');
  lab.writeConfig(configOf('json'));
  gateway = await serve();
}

function scanData(place: string): void {
  for (const name of readdirSync(lab.dataDir)) {
    if (name.endsWith('.sock')) continue;
    write(place, readFileSync(join(lab.dataDir, name), 'latin1'));
  }
}

/** A secret that somebody has encoded is still told. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    // Without the last group, which depends on what follows.
    bytes.toString('base64').slice(0, -4),
    Buffer.from(secret, 'utf16le').toString('latin1'),
  ];
}

function placesOf(secret: string): string[] {
  const forms = spellings(secret).filter((form) => form.length > 8);
  const places = [...written].filter(([, text]) => forms.some((form) => text.includes(form)));
  return places.map(([place]) => place);
}

describe('the session', () => {
  test('served, refused and failed as it was meant to', () => {
    const counts = Map.groupBy(statuses, (status) => status);
    for (const status of [200, 400, 401, 404, 415, 429, 502, 503]) {
      expect([...counts.keys()], String(status)).toContain(status);
    }
    expect(counts.get(200)?.length).toBeGreaterThan(15);
    expect(mock.requests().every(({ authorized }) => authorized)).toBe(true);
    expect(mock.requests().map(({ headers }) => headers['x-extra'])).toContain(
      `Token ${ENV.HEADER_SECRET}`,
    );
    expect(written.get('answers')).toContain(ANSWER);
  });

  test('was written down where it is searched', () => {
    const log = written.get('log and crash report') ?? '';
    expect(log.match(/"event":"request"/g)?.length).toBeGreaterThan(40);
    expect(log).toContain('"event":"attempt_failed"');
    expect(log).toContain('Bun has crashed');
    expect(written.get('the admin API')).toContain('"name":"early"');
    expect(written.get('command lines')).toContain('serve');
    const digest = Buffer.from(digestSecret(canaries.get('the secret of key late') ?? ''));
    for (const place of ['of the running gateway', 'after the crash', 'after a clean stop']) {
      expect(written.get(`data directory ${place}`)).toContain(digest.toString('latin1'));
    }
    expect(placesOf('models_discovered')).toContain('log and crash report');
  });
});

describe('is written nowhere', () => {
  test('any secret', () => {
    expect(canaries.size).toBe(10);
    for (const [name, secret] of canaries) expect(placesOf(secret), name).toEqual([]);
  });

  test('a prompt or an answer, but to its caller', () => {
    for (const text of [PROMPT, ANSWER, PROMPT.slice(15, 45), ANSWER.slice(15, 45)]) {
      expect(placesOf(text).filter((place) => !PRIVATE.includes(place))).toEqual([]);
    }
  });
});

test('what backends say is told and logged, without what they should have kept to themselves', () => {
  const told = written.get('answers of failing backends') ?? '';
  expect(told).toContain('refused \\"Bearer ***\\" for');
  const log = written.get('log and crash report') ?? '';
  expect(log).toContain('withheld, it repeats the request');
  expect(written.get('log in text form')).toContain('backend answered 500: Internal server error.');
});

describe('text that pretends to be something else', () => {
  const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
  const FORGED = 'x","level":"error","event":"forged"}';

  test('stays inside one line of the log', async () => {
    const key = await createKey('forger');
    const before = gateway.lines.length;
    using caller = await RawCaller.connect(url);
    const body = JSON.stringify(CHAT);
    const head = [
      'POST /v1/chat/completions HTTP/1.1',
      'Host: localhost',
      `Authorization: Bearer ${key.key}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      // CSI and a line separator, as UTF-8; C0 characters do not get past the parser of HTTP.
      `X-Request-Id: \xc2\x9b31m${FORGED}\xe2\x80\xa8{"event":"forged"}`,
      `User-Agent: \xc2\x9b2J${FORGED}`,
    ];
    mock.script({ fault: { kind: 'status', status: 500, body: `\u001b[31m\n${FORGED}\u009b2J` } });
    await caller.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    expect(await caller.reply()).toMatchObject({ status: 502 });
    await gateway.untilEvent('request', { code: 'backend_error', status: 502 });
    for (const line of gateway.lines.slice(before)) {
      expect(line).not.toMatch(HIDDEN);
      expect(JSON.parse(line)).toMatchObject({ event: expect.not.stringMatching('forged') });
    }
    expect(gateway.lines.slice(before).join('\n')).toContain('caller_request_id');
  });

  test('is neutral in tables and documents', async () => {
    const name = `\u001b]52;c;x\u0007\u009b31m\u202e\n${FORGED}`;
    const made = await runLlmgate(['keys', 'create', '--name', name, '--user', name, '--quiet'], {
      cwd: lab.folder,
      env: ENV,
    });
    expect(made).toMatchObject({ code: 2, stdout: '' });
    const outputs = [made.stderr];
    for (const line of ['keys list', 'usage --by key,user', 'models list', 'backends list']) {
      for (const form of ['table', 'csv', 'yaml', 'json']) {
        outputs.push(await command(...line.split(' '), '-o', form));
      }
    }
    for (const output of outputs) expect(output.replaceAll(/\r?\n/g, '')).not.toMatch(HIDDEN);
  });

  test('is no name of a model that a backend lists', async () => {
    const names = ['good', 'bad\u001b[31m', 'bad\u202ename', 'bad\nname', 'bad\u009bname'];
    await using hostile = await startMock({ models: names });
    const added = configOf('json').replace(
      'models:',
      `  hostile: { type: vllm, url: "${hostile.url}" }\nmodels:`,
    );
    lab.writeConfig(added);
    await command('reload');
    const { models } = JSON.parse(await command('models', 'list', '--json')) as {
      readonly models: readonly { readonly name: string }[];
    };
    expect(models.map((model) => model.name)).toContain('good');
    expect(models.filter((model) => model.name.startsWith('bad'))).toEqual([]);
  });
});
