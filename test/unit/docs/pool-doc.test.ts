import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';

const DOC = readFileSync(join(import.meta.dirname, '../../../docs/pool.md'), 'utf8');

test('the pool of the documentation is one, without a warning', () => {
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(DOC) ?? [];
  const { config, warningText } = parseConfig(yaml, {
    name: 'example.yaml',
    env: { OPENAI_API_KEY: 'sk-example-0123456789' },
    folder: '.',
  });
  expect(warningText).toBe('');
  expect(config.models.map(({ name }) => name)).toEqual(['chat', 'chat-cloud']);
});
