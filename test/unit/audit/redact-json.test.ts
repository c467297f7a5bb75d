import { describe, expect, test } from 'vitest';
import { redactText } from '../../../src/audit/redact.ts';
import { redactJson } from '../../../src/audit/redact-json.ts';
import { randomJsonObject } from '../../support/random-json.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';

const blob = Buffer.from(Array.from({ length: 400 }, (_, at) => at % 256)).toString('base64');

describe.each<readonly [name: string, text: string, redacted: string]>([
  ['a string', '{"a":"I am ada@example.com"}', '{"a":"I am [EMAIL]"}'],
  ['a member name', '{"ada@example.com":1}', '{"[EMAIL]":1}'],
  ['an escaped sign', '{"a":"ada\\u0040example.com \\"hi\\""}', '{"a":"[EMAIL] \\"hi\\""}'],
  ['nested JSON', '{"a":"{\\"e\\":\\"a\\\\u0040b.com\\"}"}', '{"a":"{\\"e\\":\\"[EMAIL]\\"}"}'],
  ['a number that is a card', '{"n":4111111111111111}', '{"n":"[CARD]"}'],
  [
    'what is left alone',
    '{"a" : 1.50e3,\n"b":"\\u00e9\\/" }',
    '{"a" : 1.50e3,\n"b":"\\u00e9\\/" }',
  ],
  ['exact numbers', '{"seed":12345678901234567890}', '{"seed":12345678901234567890}'],
  [
    'vectors',
    '[0.4111111111111111,-0.5500000000000004]',
    '[0.4111111111111111,-0.5500000000000004]',
  ],
  ['a picture', `{"url":"data:image/png;base64,${blob}"}`, '{"url":"[DATA image/png 400 bytes]"}'],
  ['bare base64', `{"data":"${blob}"}`, '{"data":"[DATA application/octet-stream 400 bytes]"}'],
  [
    'a known beginning',
    `{"data":"iVBORw0KGgo${'A'.repeat(389)}"}`,
    '{"data":"[DATA image/png 300 bytes]"}',
  ],
  ['cut in a string', '{"a":"ada@example.com and', '{"a":"[EMAIL] and'],
  ['cut in an escape', '{"a":"ada@example.com \\u00', '{"a":"[EMAIL] u00'],
  ['a half pair', '{"a":"x@y.com \\ud83d"}', '{"a":"[EMAIL] \\ud83d"}'],
  ['text that only begins like JSON', '[note] ada@example.com', '[note] "[EMAIL]"'],
  [
    'a line in a string',
    '{"k":"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n"}',
    '{"k":"[PRIVATE_KEY]\\n"}',
  ],
])('%s', (_, text, redacted) => {
  test('is redacted', () => {
    expect(redactJson(text)).toBe(redacted);
  });
});

test('a text inside more layers of JSON than anybody sends is still read as text', () => {
  let text = 'ada@example.com';
  for (let layer = 0; layer < 12; layer += 1) text = JSON.stringify([text]);
  expect(redactJson(text)).not.toContain('ada@example.com');
});

const PERSONAL = [
  'ada@example.com',
  '4111 1111 1111 1111',
  'DE89370400440532013000',
  '+49 30 1234567',
  '123-45-6789',
  '192.168.0.1',
  '2001:db8::8a2e:370:7334',
  'sk-proj-abc123DEF456ghi789',
];

/** JSON with something personal in some of its strings, and which. */
function plant(random: SeededRandom, value: unknown, planted: string[]): unknown {
  if (typeof value === 'string') {
    if (random.int(3) > 0) return value;
    const personal = random.pick(PERSONAL);
    planted.push(personal);
    return `${value} (${personal}) ${value}`;
  }
  if (Array.isArray(value)) return value.map((item) => plant(random, item, planted));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, plant(random, item, planted)]),
  );
}

test('any document stays JSON of the same shape, holds nothing that was planted, and is redacted once', () => {
  const random = createSeededRandom(20_261_120);
  let plantedInAll = 0;
  for (let round = 0; round < 1_000; round += 1) {
    const planted: string[] = [];
    const text = JSON.stringify(plant(random, JSON.parse(randomJsonObject(random)), planted));
    const redacted = redactJson(text);
    const document: unknown = JSON.parse(redacted);
    expect(shapeOf(document)).toBe(shapeOf(JSON.parse(text)));
    for (const personal of planted) expect(redacted).not.toContain(personal);
    expect(redactJson(redacted)).toBe(redacted);
    plantedInAll += planted.length;
  }
  expect(plantedInAll).toBeGreaterThan(500);
});

test('a document cut anywhere holds nothing that is whole in it', () => {
  const text = JSON.stringify({ a: [{ text: `I am ${PERSONAL.join(' ; ')} "\\` }], n: 1 });
  for (let length = 0; length <= text.length; length += 1) {
    const part = text.slice(0, length);
    const redacted = redactJson(part);
    // What ends at the cut may be cut itself; `redactBody` leaves the end out.
    const before = part.slice(0, -64);
    for (const personal of PERSONAL) {
      if (before.includes(personal)) expect(redacted).not.toContain(personal);
    }
  }
});

const SIGNS = ['@', '.', ':', '"', '\\', '{', '[', '-', '+', '1', '00', 'a', 'é', '中', '\ud800'];
const BEGINNINGS = ['eyJ', '://', '%40', '-----BEGIN ', ';base64,', 'data:', 'Bearer '];

test('whatever stands around it, what is personal is covered, once and for all', () => {
  const random = createSeededRandom(7);
  for (let round = 0; round < 1_000; round += 1) {
    const around = () =>
      Array.from({ length: random.int(8) }, () => random.pick([...SIGNS, ...BEGINNINGS])).join('');
    const personal = random.pick(PERSONAL);
    const text = `${around()} ${personal} ${around()}`;
    expect(redactText(text)).not.toContain(personal);
    const json = JSON.stringify(text);
    const redacted: unknown = JSON.parse(redactJson(json));
    expect(redacted).not.toContain(personal);
    // As JSON a text may be taken for nested JSON, and then its labels are in quotes.
    expect(typeof redacted).toBe('string');
  }
});

function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shapeOf).join()}]`;
  if (typeof value !== 'object' || value === null) return typeof value;
  return `{${Object.values(value).map(shapeOf).join()}}`;
}
