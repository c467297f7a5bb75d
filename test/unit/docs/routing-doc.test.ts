import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { BALANCES } from '../../../src/routing/balance.ts';
import { FALLBACK_CAUSES } from '../../../src/routing/fallback-cause.ts';

const DOC = readFileSync(join(import.meta.dirname, '../../../docs/routing.md'), 'utf8');
const EXAMPLES = [...DOC.matchAll(/^## ([^\n]+)\n(?:(?!^## )[\s\S])*?^```yaml\n([\s\S]*?)^```$/gm)];

test('every section with a key to write has an example', () => {
  expect(EXAMPLES.map(([, title]) => title)).toEqual([
    'Several targets',
    'Sessions',
    'Rules',
    'Canary and A/B',
    'Shadow',
    'Fallbacks',
    'Retries',
    'Hedging',
  ]);
});

test.each(EXAMPLES.map(([, title, yaml]) => ({ title, yaml: yaml ?? '' })))(
  'the example of "$title" is valid and gives no warning',
  ({ yaml }) => {
    const env = { OPENAI_API_KEY: 'k1' };
    const { warningText } = parseConfig(yaml, {
      name: 'example.yaml',
      env,
      folder: '/nonexistent',
    });
    expect(warningText).toBe('');
  },
);

test('every balance and every cause of a fallback is explained', () => {
  for (const name of [...BALANCES, ...FALLBACK_CAUSES]) expect(DOC).toContain(`| \`${name}\``);
});
