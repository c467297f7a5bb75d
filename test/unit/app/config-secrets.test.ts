import { expect, test } from 'vitest';
import { configSecrets } from '../../../src/app/config-secrets.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { testDir } from '../../support/test-dir.ts';

const YAML = `
data_dir: ./data
backends:
  a: { type: vllm, url: "http://127.0.0.1:1", api_key: ["\${env:CANARY_1}", "\${env:CANARY_2}"] }
  b:
    type: vllm
    url: "http://127.0.0.1:2"
    headers: { x-team: "Basic \${env:CANARY_3}" }
    process: { command: [serve], env: { TOKEN: "\${env:CANARY_4}" } }
admin:
  listen: 127.0.0.1:0
  keys: { ops: { key: "\${env:CANARY_5}", role: admin } }
traces: { endpoint: "http://127.0.0.1:4318/v1/traces", headers: { authorization: "Bearer \${env:CANARY_6}" } }
alerts: { webhook: { url: "https://hooks.example.com/path", secret: "\${env:CANARY_7}" } }
audit:
  export:
    - { type: s3, endpoint: "https://s3.example.com", region: x, bucket: bucket-y, access_key_id: "\${env:CANARY_8}", secret_access_key: "\${env:CANARY_9}" }
    - { type: webhook, url: "https://audit.example.com", secret: "\${env:CANARY_10}" }
`;

test('every secret that a configuration can hold is known to the log', () => {
  const env = Object.fromEntries(
    Array.from({ length: 10 }, (_, at) => [
      `CANARY_${at + 1}`,
      `canary-value-${at + 1}-${'x'.repeat(30)}`,
    ]),
  );
  const { config } = parseConfig(YAML, { name: 'test.yaml', env, folder: testDir() });
  const secrets = configSecrets(config);
  for (const secret of Object.values(env)) expect(secrets).toContain(secret);
});
