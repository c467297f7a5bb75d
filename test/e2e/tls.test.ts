import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LlmgateProcess } from '../support/llmgate-process.ts';
import { ServeLab } from '../support/serve-lab.ts';
import { startTestMock } from '../support/start-mock.ts';

const CERTIFICATES = join(import.meta.dirname, '../support/tls');

/** A configuration that listens with a certificate and a key of the test folder. */
function writeTlsConfig(lab: ServeLab, certificate: string, backendUrl: string): void {
  const key = join(lab.folder, 'key.pem');
  copyFileSync(join(CERTIFICATES, 'localhost.key'), key);
  chmodSync(key, 0o600);
  copyFileSync(join(CERTIFICATES, certificate), join(lab.folder, 'cert.pem'));
  writeFileSync(
    lab.configFile,
    `listen: { address: "localhost:0", tls: { cert_file: ./cert.pem, key_file: ./key.pem } }
data_dir: ./data
backends:
  mock: { type: vllm, url: "${backendUrl}" }
`,
  );
}

test('the data plane speaks TLS with a certificate that clients can verify', async () => {
  await using mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab('');
  writeTlsConfig(lab, 'localhost.pem', mock.url);
  await using served = new LlmgateProcess(['serve'], { cwd: lab.folder });
  const [, url = ''] = await served.untilLine(/^llmgate \S+ on (https:\S+),/);
  const { port } = new URL(url);
  await served.untilEvent('models_discovered');
  const { key } = await lab.createKey('k');
  const ca = readFileSync(join(CERTIFICATES, 'authority.pem'), 'utf8');
  const response = await fetch(`https://localhost:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{"model":"small","messages":[{"role":"user","content":"x"}]}',
    tls: { ca },
  });
  expect(response.status).toBe(200);
  await expect(fetch(`https://localhost:${port}/healthz`)).rejects.toThrow(/certificate/);
});

test('a certificate and a key that do not belong together are said so, exit 78', async () => {
  using lab = new ServeLab('');
  writeTlsConfig(lab, 'other-name.pem', 'http://127.0.0.1:1');
  const { code, stderr } = await lab.run('serve');
  expect(code).toBe(78);
  expect(stderr).toContain('listen.tls: the certificate and the key cannot be used together');
  expect(stderr).not.toMatch(/ at |bug/);
});
