import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { startMock } from '../../src/mock/mock.ts';
import { runLlmgate } from '../support/llmgate-process.ts';
import { ServeLab } from '../support/serve-lab.ts';

// The trail as an auditor meets it: a gateway at work, a note and a key kept elsewhere, and a copy
// of the file on another machine that has nothing but the program.

const CANARY = 'sk-canary-0123456789abcdef';

test('what was done is proved on a live gateway, and on a copy far from it', async () => {
  await using mock = await startMock({ models: ['small'] });
  using lab = new ServeLab(`backends:
  mock: { type: vllm, url: "${mock.url}", api_key: "\${file:./vendor-key}" }`);
  writeFileSync(join(lab.folder, 'vendor-key'), CANARY, { mode: 0o600 });
  await using served = await lab.serve();
  const { key, id } = await lab.createKey('alice');
  const ask = (authorization: string) =>
    fetch(`${served.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hi' }] }),
    }).then((reply) => reply.text());
  for (let at = 0; at < 5; at += 1) await ask(`Bearer ${key}`);
  await ask(`Bearer ${key.slice(0, -1)}`);

  const live = await lab.run('audit', 'verify', '--json');
  expect(live.code).toBe(0);
  expect(JSON.parse(live.stdout)).toMatchObject({ ok: true, requests: { rows: 5 }, faults: [] });

  const elsewhere = mkdtempSync(join(tmpdir(), 'llmgate-vault-'));
  onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }));
  const keep = (name: string, text: string) => writeFileSync(join(elsewhere, name), text);
  keep('kept.note', (await lab.run('audit', 'checkpoint')).stdout);
  keep('kept.pub', (await lab.run('audit', 'checkpoint', '--public-key')).stdout);
  served.process.signal('SIGTERM');
  expect(await served.process.exited).toBe(0);

  const { rows } = JSON.parse((await lab.run('audit', 'list', '--oldest', '--json')).stdout);
  expect(rows.map(({ action }: { action: string }) => action)).toEqual([
    ...['gateway.start', 'config.load', 'key.create', 'audit.verify', 'audit.checkpoint'],
    ...['login.fail', 'gateway.stop'],
  ]);
  expect(rows[2]).toMatchObject({ origin: 'admin socket', target: id });
  const trail = readFileSync(join(lab.dataDir, 'llmgate.db'), 'latin1');
  for (const secret of [CANARY, key, key.slice(`sk-lg-${id}-`.length)]) {
    expect(trail).not.toContain(secret);
  }

  const copy = join(elsewhere, 'copy.db');
  copyFileSync(join(lab.dataDir, 'llmgate.db'), copy);
  const verify = (...flags: string[]) =>
    runLlmgate(['audit', 'verify', '--db', 'copy.db', ...flags], { cwd: elsewhere });
  const kept = ['--checkpoint', 'kept.note', '--public-key', 'kept.pub'];
  expect((await verify(...kept)).code).toBe(0);

  const db = new Database(copy);
  db.exec('DELETE FROM requests WHERE seq > 3; DELETE FROM checkpoints');
  db.close();
  expect((await verify()).code).toBe(0);
  const cut = await verify(...kept);
  expect(cut.code).toBe(1);
  expect(cut.stdout).toContain('requests: rows after 3 were cut off');
  expect(existsSync(join(elsewhere, 'llmgate-data'))).toBe(false);
});
