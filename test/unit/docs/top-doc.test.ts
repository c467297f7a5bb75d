import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEY_HELP } from '../../../src/tui/screens/help.ts';
import { SCREENS } from '../../../src/tui/state.ts';
import { readGolden } from '../../support/golden.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const text = readFileSync(join(ROOT, 'docs/top.md'), 'utf8');

describe('docs/top.md', () => {
  test('shows frames as they are drawn', () => {
    const shown = [...text.matchAll(/```text\n(.*?)```/gs)].map(([, frame]) => frame);
    const names = [
      ...['overview', 'models', 'backends', 'backend-detail', 'keys', 'gpus', 'requests'],
      ...['request-detail', 'log'],
    ];
    const drawn = names.map(
      (name) => readGolden(join(ROOT, `test/golden/tui/${name}-80.txt`)).expected,
    );
    expect(shown).toEqual(drawn);
  });

  test('knows every screen by its number', () => {
    for (const [at, screen] of SCREENS.entries()) {
      expect(text).toMatch(new RegExp(`^### .*\\b${at + 1} ${screen}\\b`, 'im'));
    }
  });

  test.each(KEY_HELP)('%s: %s', (keys, meaning) => {
    expect(text).toContain(`| \`${keys}\` | ${meaning} |`);
  });
});
