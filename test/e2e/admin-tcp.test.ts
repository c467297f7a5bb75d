import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LlmgateProcess } from '../support/llmgate-process.ts';
import { runLlmgate } from '../support/llmgate-process.ts';
import { ServeLab } from '../support/serve-lab.ts';
import { testDir } from '../support/test-dir.ts';

// The admin plane on a port: a gateway here, an operator in another folder with a URL and a key.

const ADMIN = 'Zk30rTq9Lw7pXv2Yb8Nc4Mf6Hd1Ja5S';
const VIEWER = 'Qe7Uo2Pi9Ly4Tr6Wa1Sd8Fg3Hj5KlZx';
const CERTIFICATES = join(import.meta.dirname, '../support/tls');

const BACKEND = 'backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:9", discover: false }\n';
const KEYS = `  keys:
    alice: { key: "\${file:./alice}", role: admin }
    grafana: { key: "\${file:./grafana}" }
`;

function createLab(listen: string): ServeLab {
  const lab = new ServeLab(`${BACKEND}admin:\n  listen: ${listen}\n${KEYS}`);
  writeFileSync(join(lab.folder, 'alice'), ADMIN, { mode: 0o600 });
  writeFileSync(join(lab.folder, 'grafana'), VIEWER, { mode: 0o600 });
  return lab;
}

async function adminUrl(process: LlmgateProcess): Promise<string> {
  const { url } = await process.untilEvent('admin_listening');
  return String(url);
}

/** One command of an operator elsewhere: an empty folder and these variables. */
function elsewhere(env: Readonly<Record<string, string>>, ...args: string[]) {
  return runLlmgate(args, { cwd: testDir(), env });
}

test('an operator elsewhere makes a key, and the trail says who it was', async () => {
  using lab = createLab('127.0.0.1:0');
  await using served = await lab.serve();
  const url = await adminUrl(served.process);
  const made = await elsewhere(
    { LLMGATE_URL: url, LLMGATE_ADMIN_KEY: ADMIN },
    ...['keys', 'create', '--name', 'app', '--quiet'],
  );
  expect([made.code, made.stderr]).toEqual([0, '']);
  const models = await fetch(`${served.url}/v1/models`, {
    headers: { authorization: `Bearer ${made.stdout.trim()}` },
  });
  expect(models.status).toBe(200);
  const trail = await lab.run('audit', 'list', '--chain', 'admin', '--json');
  expect(trail.stdout).toContain('"actor": "alice"');
  expect(trail.stdout).toContain('"origin": "admin tcp"');

  const env = { LLMGATE_ADMIN_KEY: VIEWER };
  const status = await elsewhere(env, 'status', '--url', url, '--json');
  expect(JSON.parse(status.stdout)).toMatchObject({ listen: served.url });
  expect((await elsewhere(env, 'keys', 'suspend', 'app', '--url', url)).code).toBe(4);
  expect((await elsewhere(env, 'reload', '--url', url)).code).toBe(4);

  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${VIEWER}` } });
  expect(await metrics.text()).toContain('llmgate_build_info');
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  // Neither plane leads to the other.
  const there = { headers: { authorization: `Bearer ${ADMIN}` } };
  expect((await fetch(`${served.url}/admin/v1/status`, there)).status).toBe(404);
  expect((await fetch(`${url}/v1/models`, there)).status).toBe(404);
});

test('keys are what the configuration says after a reload, and strangers are on record', async () => {
  using lab = createLab('127.0.0.1:0');
  await using served = await lab.serve();
  const url = await adminUrl(served.process);
  const ask = async (key: string) =>
    (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } })).status;
  expect(await ask(VIEWER)).toBe(200);
  const next = 'Bm4Vn8Cx1Zl6Kj3Hg9Fd2Sa7Po5Iu0Y';
  expect(await ask(next)).toBe(401);
  writeFileSync(join(lab.folder, 'grafana'), next, { mode: 0o600 });
  expect((await lab.run('reload')).code).toBe(0);
  expect([await ask(VIEWER), await ask(next)]).toEqual([401, 200]);
  expect(await served.process.stop()).toBe(0);
  const trail = await lab.run('audit', 'list', '--chain', 'admin', '--json');
  expect(trail.stdout).toContain('unknown_admin_key');
  const printed = [...served.process.lines, trail.stdout].join('\n');
  for (const secret of [ADMIN, VIEWER, next]) expect(printed).not.toContain(secret);
});

test('over TLS, and an operator who does not trust the certificate sends no key', async () => {
  const tls = 'tls: { cert_file: ./cert.pem, key_file: ./key.pem }';
  using lab = createLab(`{ address: "localhost:0", ${tls} }`);
  copyFileSync(join(CERTIFICATES, 'localhost.pem'), join(lab.folder, 'cert.pem'));
  const key = readFileSync(join(CERTIFICATES, 'localhost.key'));
  writeFileSync(join(lab.folder, 'key.pem'), key, { mode: 0o600 });
  await using served = await lab.serve();
  const url = (await adminUrl(served.process)).replace(/127\.0\.0\.1|\[::1\]/, 'localhost');
  expect(url).toMatch(/^https:/);
  const env = { LLMGATE_URL: url, LLMGATE_ADMIN_KEY: ADMIN };
  const trusted = { ...env, NODE_EXTRA_CA_CERTS: join(CERTIFICATES, 'authority.pem') };
  expect((await elsewhere(trusted, 'status')).code).toBe(0);
  const refused = await elsewhere(env, 'status');
  expect(refused.code).toBe(5);
  expect(refused.stderr).toContain('its certificate is not trusted here');
});
