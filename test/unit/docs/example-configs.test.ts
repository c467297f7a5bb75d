import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createConfigSchema, type JsonSchema } from '../../../scripts/lib/config-schema.ts';
import { loadConfig } from '../../../src/config/load.ts';

const CONFIGS = join(import.meta.dirname, '../../../configs');
const EXAMPLES = readdirSync(CONFIGS).filter((file) => file.endsWith('.yaml'));
const ENV = { OPENAI_API_KEY: 'k1', PARTNER_API_KEY: 'k2', RACK_SECRET: 'k3' };

// The examples name files that belong to whoever uses them.
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmgate-examples-'));
  cpSync(CONFIGS, folder, { recursive: true });
  mkdirSync(join(folder, 'tls'));
  mkdirSync(join(folder, 'secrets'));
  for (const file of ['tls/cert.pem', 'tls/key.pem', 'secrets/vllm-key']) {
    writeFileSync(join(folder, file), '-----BEGIN EXAMPLE-----', { mode: 0o600 });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('there are examples, and the README names each', () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(5);
  const readme = readFileSync(join(CONFIGS, 'README.md'), 'utf8');
  for (const file of EXAMPLES) expect(readme).toContain(`(${file})`);
});

test.each(EXAMPLES)('%s is valid and gives no warning', (file) => {
  expect(loadConfig({ path: join(folder, file), env: ENV }).warningText).toBe('');
});

test('they grow', () => {
  const sizes = EXAMPLES.toSorted().map((file) => readFileSync(join(CONFIGS, file)).length);
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
});

test('the last one has every key', () => {
  const everything: unknown = parse(readFileSync(join(CONFIGS, '05-everything.yaml'), 'utf8'));
  expect([...missingKeys('', createConfigSchema(), [everything])]).toEqual([]);
});

/** The keys of the schema that none of the values has. */
function* missingKeys(path: string, schema: JsonSchema, values: unknown[]): Generator<string> {
  const present = values.filter((value) => value !== undefined);
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const found = present.map((value) => Object(value)[key]).filter((value) => value !== undefined);
    if (found.length === 0) yield `${path}.${key}`;
    else yield* missingKeys(`${path}.${key}`, inner, found);
  }
  const inside = present.flatMap((value) => Object.values(Object(value)));
  if (schema.additionalProperties) yield* missingKeys(path, schema.additionalProperties, inside);
  if (schema.items) yield* missingKeys(path, schema.items, inside);
  for (const option of schema.anyOf ?? []) yield* missingKeys(path, option, values);
}
