import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { BALANCES } from '../../../src/routing/balance.ts';

const DOC = readFileSync(join(import.meta.dirname, '../../../docs/scheduling.md'), 'utf8');

test('the example of docs/scheduling.md is a configuration', () => {
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(DOC) ?? [];
  const { config } = parseConfig(yaml, { name: 'example', env: {}, folder: '.' });
  expect(config.queue).toMatchObject({ fairBy: 'team', engineQueue: 8, stickyTokens: 131_072 });
  expect(config.models.map(({ maxConcurrency }) => maxConcurrency)).toEqual([null, 3]);
});

test('docs/scheduling.md explains every policy', () => {
  for (const balance of BALANCES)
    expect(DOC).toMatch(new RegExp(`^- .*\\*\\*\`${balance}\`\\*\\*`, 'm'));
});
