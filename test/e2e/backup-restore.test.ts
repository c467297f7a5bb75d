import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { startMock } from '../../src/mock/mock.ts';
import { type IssuedKey, type Served, ServeLab, type UsageDocument } from '../support/serve-lab.ts';

// The drill of docs/operations.md with the compiled llmgate, and books of older versions.

const SCHEMA_1 = readFileSync(join(import.meta.dirname, '../golden/schema/0001.sql'), 'utf8');
const CONTENT_KEY = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');

function ask(served: Served, key: IssuedKey): Promise<Response> {
  return fetch(`${served.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hi' }] }),
  });
}

async function askTimes(served: Served, key: IssuedKey, count: number): Promise<string> {
  let id = '';
  for (let n = 0; n < count; n += 1) {
    const response = await ask(served, key);
    await response.text();
    id = response.headers.get('x-request-id') ?? '';
  }
  return id;
}

interface Restored {
  readonly restored: boolean;
  readonly requests_seq: number;
  readonly content: string;
  readonly lost: { readonly requests: number; readonly keys: number };
  readonly keys_that_work_again: readonly string[];
  readonly aside: readonly string[];
}

test('a running gateway is backed up, lost, and restored with its content', async () => {
  await using mock = await startMock({ models: ['small'] });
  using lab = new ServeLab(
    `backends:\n  mock: { type: vllm, url: "${mock.url}" }
models:\n  small: { targets: [mock], price: { input: 1, output: 2 } }
audit: { content: full, content_key: "\${file:./content.key}" }`,
  );
  writeFileSync(join(lab.folder, 'content.key'), CONTENT_KEY, { mode: 0o600 });
  const file = join(lab.folder, 'backup.db');
  let key: IssuedKey;
  let stolen: IssuedKey;
  let firstId: string;
  let spent: string | null;
  {
    await using served = await lab.serve();
    [key, stolen] = [await lab.createKey('k'), await lab.createKey('stolen')];
    firstId = await askTimes(served, key, 5);
    const made = await lab.runJson<Record<string, unknown>>('backup', file);
    expect(made).toMatchObject({
      requests_seq: 5,
      content_file: `${file}.content`,
      recorded: true,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    spent = (await lab.runJson<UsageDocument>('usage')).total.cost_usd;
    await askTimes(served, key, 3);
    expect((await lab.run('keys', 'revoke', 'stolen', '--yes')).code).toBe(0);
    const again = await lab.run('backup', file);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^llmgate: no backup was made: \S+backup\.db exists; .*\n$/);
    // The drill needs neither the gateway to stop nor a place to restore to.
    const drill = await lab.run('restore', file, '--dry-run', '--data-dir', 'drill');
    expect(drill).toMatchObject({ code: 0, stderr: '' });
    expect(drill.stdout).toContain('2 keys, 5 requests');
    expect(existsSync(join(lab.folder, 'drill'))).toBe(false);
    const early = await lab.run('restore', file, '--yes');
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toContain(`a gateway is running on ${lab.dataDir}\n`);
  }
  const unasked = await lab.run('restore', file);
  expect(unasked).toMatchObject({ code: 2, stdout: '' });
  const restored = await lab.runJson<Restored>('restore', file, '--yes');
  expect(restored).toMatchObject({
    ...{ restored: true, requests_seq: 5, content: 'replaced' },
    ...{ lost: { requests: 3, keys: 0 }, keys_that_work_again: ['stolen'] },
  });
  expect(restored.aside.every((path) => existsSync(path))).toBe(true);

  await using served = await lab.serve();
  expect((await lab.runJson<UsageDocument>('usage')).total).toMatchObject({
    ...{ requests: 5, cost_usd: spent },
  });
  const content = await lab.runJson<Record<string, unknown>>('audit', 'content', firstId);
  expect(content).toMatchObject({ content_ref_matches: true });
  expect((await ask(served, key)).status).toBe(200);
  expect((await ask(served, stolen)).status).toBe(200);
  for (const proof of [
    ['ledger', 'check'],
    ['audit', 'verify'],
  ]) {
    expect(await lab.run(...proof)).toMatchObject({ code: 0 });
  }
  const events = await lab.run('audit', 'list', '--action', 'ledger.*');
  expect(events.stdout).toMatch(/ledger\.restore/);
});

test('books of the first schema: copied, brought up to date by "serve", and they agree', async () => {
  using lab = new ServeLab(
    'backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:9", discover: false }',
  );
  makeOldBooks(lab.dataDir);
  const path = join(lab.dataDir, 'llmgate.db');
  {
    await using served = await lab.serve();
    await served.process.untilEvent('store_migrated');
    expect(served.process.lines.join('\n')).toContain('1 request was left open by a crash');
    const { total } = await lab.runJson<UsageDocument>('usage', '--since', '2020-01-01');
    expect(total).toMatchObject({ requests: 3, cost_usd: '0.000031' });
    expect(await lab.run('ledger', 'check')).toMatchObject({ code: 0, stderr: '' });
    expect(await lab.run('audit', 'verify')).toMatchObject({ code: 0, stderr: '' });
  }
  const copy = new Database(`${path}.schema1.bak`, { readonly: true });
  expect(copy.pragma('user_version', { simple: true })).toBe(1);
  expect(copy.prepare('SELECT count(*) FROM requests').pluck().get()).toBe(2);
  copy.close();
  // And back: the copy is what an older llmgate, or this one once more, goes on with.
  const restored = await lab.runJson<Restored>('restore', `${path}.schema1.bak`, '--yes');
  expect(restored).toMatchObject({ restored: true, schema: 1, lost: { requests: 1 } });
  expect(await lab.run('ledger', 'check')).toMatchObject({ code: 0, stderr: '' });
});

test('a command that brings books up to date says so', async () => {
  using lab = new ServeLab('backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:9" }');
  makeOldBooks(lab.dataDir);
  const { code, stderr } = await lab.run('keys', 'list');
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^llmgate: \S+: schema 1 → 2, a copy is made first\.\nllmgate: \S+: schema 1 → 2 done; /,
  );
  expect(stderr).toContain(`${join(lab.dataDir, 'llmgate.db.schema1.bak')}.\n`);
  expect((await lab.run('keys', 'list')).stderr).toBe('');
  expect(readdirSync(lab.dataDir)).toContain('llmgate.db.schema1.bak');
});

function makeOldBooks(dataDir: string): void {
  mkdirSync(dataDir, { mode: 0o700 });
  const db = new Database(join(dataDir, 'llmgate.db'));
  db.exec(SCHEMA_1);
  db.close();
  const installId = /'install_id', '([^']+)'/.exec(SCHEMA_1)?.[1];
  writeFileSync(join(dataDir, 'install-id'), `${installId}\n`);
}
