import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const DEMO = resolve(import.meta.dirname, '../../scripts/demo');

test('scripts/demo --once: a completion through the gateway and its row in the books', async () => {
  const ran = await Bun.$`${DEMO} --once`.quiet().nothrow();
  const stdout = ran.stdout.toString();
  expect([ran.exitCode, ran.stderr.toString()]).toEqual([0, expect.stringContaining('built')]);
  expect(stdout).toContain('data: [DONE]');
  expect(stdout).toMatch(/^demo +demo-model +1 +0 +\d+ +0 +16 +0\.0000\d+/m);

  // Nothing that it started is left.
  for (const [url = ''] of stdout.matchAll(/^http:\/\/127\.0\.0\.1:\d+/gm)) {
    await expect(fetch(url)).rejects.toThrow();
  }
}, 60_000);
