import { generateKeyPairSync, randomBytes } from 'node:crypto';
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
const ENV = {
  OPENAI_API_KEY: 'k1',
  OPENAI_API_KEY_2: 'k1b',
  HF_TOKEN: 'k1c',
  OTLP_TOKEN: 'k1d',
  ADMIN_KEY: randomBytes(32).toString('hex'),
  METRICS_KEY: randomBytes(32).toString('hex'),
  PARTNER_API_KEY: 'k2',
  RACK_SECRET: 'k3',
  AUDIT_ACCESS_KEY_ID: 'k4',
  AUDIT_SECRET_ACCESS_KEY: 'k5',
  SIEM_SECRET: randomBytes(32).toString('hex'),
  ALERT_SECRET: randomBytes(32).toString('hex'),
  SCALE_SECRET: randomBytes(32).toString('hex'),
};
const FILES = {
  'tls/cert.pem': '-----BEGIN EXAMPLE-----',
  'tls/key.pem': '-----BEGIN EXAMPLE-----',
  'secrets/vllm-key': 'k6',
  'secrets/content-key': randomBytes(32).toString('base64'),
  'secrets/content-key-2025': randomBytes(32).toString('hex'),
  'secrets/audit-key.pem': generateKeyPairSync('ed25519').privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }),
};

// The examples name files that belong to whoever uses them.
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmgate-examples-'));
  cpSync(CONFIGS, folder, { recursive: true });
  mkdirSync(join(folder, 'tls'));
  mkdirSync(join(folder, 'secrets'));
  for (const [file, content] of Object.entries(FILES)) {
    writeFileSync(join(folder, file), content, { mode: 0o600 });
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

test('the numbered ones grow', () => {
  const numbered = EXAMPLES.filter((file) => /^\d/.test(file));
  const sizes = numbered.toSorted().map((file) => readFileSync(join(CONFIGS, file)).length);
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
});

test('the last one has every key', () => {
  const everything: unknown = parse(readFileSync(join(CONFIGS, '05-everything.yaml'), 'utf8'));
  const keys = [...keysOf('', createConfigSchema(), [everything])];
  // A map that may stand in two places is complete when one of them is.
  const written = new Set(keys.filter(({ isThere }) => isThere).map(({ key }) => key));
  expect(keys.filter(({ key }) => !written.has(key))).toEqual([]);
});

interface KeyOfMap {
  readonly path: string;
  /** The same for equal maps. */
  readonly key: string;
  readonly isThere: boolean;
}

/** The keys of the schema, and whether any of the values has them. */
function* keysOf(path: string, schema: JsonSchema, values: unknown[]): Generator<KeyOfMap> {
  const present = values.filter((value) => value !== undefined);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const found = present
      .map((value) => Object(value)[name])
      .filter((value) => value !== undefined);
    const key = `${Bun.hash(JSON.stringify(schema.properties))} ${name}`;
    yield { path: `${path}.${name}`, key, isThere: found.length > 0 };
    if (found.length > 0) yield* keysOf(`${path}.${name}`, inner, found);
  }
  const inside = present.flatMap((value) => Object.values(Object(value)));
  if (schema.additionalProperties) yield* keysOf(path, schema.additionalProperties, inside);
  if (schema.items) yield* keysOf(path, schema.items, inside);
  for (const option of schema.anyOf ?? schema.oneOf ?? []) {
    yield* keysOf(path, option, values);
  }
}
