import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderConfigReference } from '../../../scripts/lib/config-reference.ts';
import {
  createConfigSchema,
  type JsonSchema,
  renderConfigSchema,
} from '../../../scripts/lib/config-schema.ts';

const ROOT = join(import.meta.dirname, '../../..');

test.each([
  ['docs/config.md', renderConfigReference],
  ['configs/llmgate.schema.json', renderConfigSchema],
])('%s is current; scripts/generate-docs writes it', (file, render) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toBe(render());
});

describe('every key has a sentence that says its default', () => {
  test.each(keysOf('', createConfigSchema()))('$path', ({ schema, isRequired }) => {
    expect(schema.description).toMatch(/^[A-Z].*\.$/);
    const { description = '' } = schema;
    if (isRequired) expect(description).toMatch(/required|at least one|PEM|Host and port/);
    if (['string', 'number', 'boolean'].includes(typeof schema.default)) {
      expect(description).toContain(`default ${schema.default}`);
    }
  });
});

interface Key {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

function keysOf(path: string, schema: JsonSchema): Key[] {
  const { properties = {}, additionalProperties, items, required = [] } = schema;
  const options = schema.anyOf ?? schema.oneOf ?? [];
  const below = Object.entries(properties).flatMap(([key, value]) => [
    { path: `${path}.${key}`, schema: value, isRequired: required.includes(key) },
    ...keysOf(`${path}.${key}`, value),
  ]);
  if (additionalProperties) below.push(...keysOf(`${path}.*`, additionalProperties));
  if (items) below.push(...keysOf(`${path}[]`, items));
  return [...below, ...options.flatMap((option) => keysOf(path, option))];
}
