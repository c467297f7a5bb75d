import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import type { Env } from '../../../src/config/secrets.ts';
import { isUpdatingGolden, readGolden, writeGolden } from '../../support/golden.ts';

const FOLDER = join(import.meta.dirname, '../../golden/config');
const ENV: Env = {
  SOME_KEY: 'CANARY-of-the-environment',
  EMPTY: '',
  TWO_LINES: 'a\nb',
  SHORT: 'CANARY-short',
  SAMPLE: 'CANARY-change-me-please',
  LONG_KEY: 'CANARYtQ7xk2VbN9wLz4RmY8pD3',
  OTHER_KEY: 'CANARYhJ5sW6fTn1cXq0GuE2vKa',
  CONTENT_KEY: 'CANARY8x3kP0vQzL5mT7wYbN2cR9dF4gH6jS1aUoKeI=',
  OLD_CONTENT_KEY: '00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  ZEROS: '00'.repeat(32),
  SIGNING_KEY: toPem(generateKeyPairSync('ed25519').privateKey),
  EC_KEY: toPem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
};

function toPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** What `validate` prints for a text, in a folder that exists on no machine. */
function judge(text: string): string {
  try {
    const options = { name: 'llmgate.yaml', env: ENV, folder: '/nonexistent' };
    const { warningText } = parseConfig(text, options);
    return warningText === '' ? 'valid\n' : `${warningText}\nvalid\n`;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `${error.message}\n`;
  }
}

test.each(readdirSync(FOLDER))('%s', (file) => {
  const path = join(FOLDER, file);
  const { input, expected } = readGolden(path);
  const actual = judge(input);
  // A name of a file is no secret, and the only canary that may be shown.
  expect(actual.replaceAll('CANARY-is-a-name', '')).not.toContain('CANARY');
  expect(actual).not.toContain('PRIVATE');
  if (isUpdatingGolden(process.env)) writeGolden(path, input, actual);
  else expect(actual).toBe(expected);
});

test('a CI machine never rewrites what is expected', () => {
  expect(() => isUpdatingGolden({ UPDATE_GOLDEN: '1', CI: 'true' })).toThrow('CI');
  expect(isUpdatingGolden({})).toBe(false);
});
