import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS, type ErrorCode, traitsOf } from '../../../src/core/error.ts';

const RETRY_WORDS = { true: 'yes', false: 'no', undefined: '–' };

test('docs/errors.md lists every error with its traits, and nothing else', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const documented = text.split('\n').filter((line) => /^\| \d{3} /.test(line));
  const expected = Object.keys(ERRORS).map((name) => {
    const code = name as ErrorCode;
    const { status, type, retry, meaning } = traitsOf(code);
    return `| ${status} | \`${code}\` | ${type} | ${RETRY_WORDS[`${retry}`]} | ${meaning} |`;
  });
  expect(documented).toEqual(expected);
});
