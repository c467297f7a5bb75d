import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import { isUpdatingGolden, readGolden, writeGolden } from '../../support/golden.ts';

const FOLDER = join(import.meta.dirname, '../../golden/config');
const ENV = { SOME_KEY: 'CANARY-of-the-environment', EMPTY: '', TWO_LINES: 'a\nb' };

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
  if (isUpdatingGolden(process.env)) writeGolden(path, input, actual);
  else expect(actual).toBe(expected);
});

test('a CI machine never rewrites what is expected', () => {
  expect(() => isUpdatingGolden({ UPDATE_GOLDEN: '1', CI: 'true' })).toThrow('CI');
  expect(isUpdatingGolden({})).toBe(false);
});
