import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ServeLab } from '../support/serve-lab.ts';
import { startTestMock } from '../support/start-mock.ts';

// What the doctor finds on the machine that runs this, before, beside and behind a real gateway.

interface Diagnosis {
  readonly healthy: boolean;
  readonly checks: readonly {
    readonly area: string;
    readonly level: string;
    readonly says: string;
  }[];
}

async function examine(lab: ServeLab): Promise<Diagnosis> {
  const { stdout } = await lab.run('doctor', '--json');
  return JSON.parse(stdout);
}

const saysOf = ({ checks }: Diagnosis, area: string) =>
  checks.filter((check) => check.area === area).map(({ level, says }) => `${level}: ${says}`);

test('before the first start, while the gateway runs, while it hangs, and after it was killed', async () => {
  await using mock = await startTestMock({
    models: ['small'],
    apiKey: 'backend-secret-0123456789',
  });
  using lab = new ServeLab(
    `backends:\n  mock: { type: vllm, url: "${mock.url}", api_key: "\${file:./key}" }`,
  );
  writeFileSync(join(lab.folder, 'key'), 'backend-secret-0123456789', { mode: 0o600 });

  const before = await examine(lab);
  expect(saysOf(before, 'data directory')).toEqual([
    expect.stringMatching(/^warn: .+data is not there yet$/),
  ]);
  expect(saysOf(before, 'backends')).toEqual([
    expect.stringMatching(/^ok: mock: vllm \S+ answers in \d+ ms, 1 model$/),
  ]);

  const served = await lab.serve();
  const beside = await lab.run('doctor');
  expect([beside.code, beside.stderr]).toEqual([0, '']);
  expect(beside.stdout).toContain(`answers on ${served.url} since `);
  expect(beside.stdout).toContain("is this user's alone (mode 0700), in use by the gateway");
  expect(beside.stdout).toMatch(/the books: .+, schema \d+, no page is damaged/);
  expect(beside.stdout).not.toContain('backend-secret');
  expect((await examine(lab)).healthy).toBe(true);

  served.process.signal('SIGSTOP');
  expect(saysOf(await examine(lab), 'gateway')).toEqual([
    `fail: process ${served.process.pid} holds ${lab.dataDir}, but its admin socket is silent`,
  ]);
  served.process.signal('SIGKILL');
  await served[Symbol.asyncDispose]();
  const after = await examine(lab);
  expect(saysOf(after, 'gateway')[0]).toBe('ok: none is running');
  expect(saysOf(after, 'store').every((line) => line.startsWith('ok'))).toBe(true);
});
