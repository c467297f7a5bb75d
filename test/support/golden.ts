import { readFileSync, writeFileSync } from 'node:fs';

const DIVIDER = '----------\n';

/** One file with an input, a line of dashes, and what the input is expected to give. */
export interface GoldenCase {
  readonly input: string;
  readonly expected: string;
}

export function readGolden(path: string): GoldenCase {
  const text = readFileSync(path, 'utf8');
  const at = text.startsWith(DIVIDER) ? 0 : text.indexOf(`\n${DIVIDER}`) + 1;
  if (at === 0 && !text.startsWith(DIVIDER)) return { input: text, expected: '' };
  return { input: text.slice(0, at), expected: text.slice(at + DIVIDER.length) };
}

/**
 * With UPDATE_GOLDEN=1 the actual output becomes the expected one; look at the diff before you
 * commit it. A CI machine refuses, because there nobody looks.
 */
export function isUpdatingGolden(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['UPDATE_GOLDEN'] !== '1') return false;
  if (env['CI']) throw new Error('UPDATE_GOLDEN rewrites what is expected; not on a CI machine');
  return true;
}

export function writeGolden(path: string, input: string, actual: string): void {
  writeFileSync(path, `${input}${DIVIDER}${actual}`);
}
