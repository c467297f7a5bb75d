import { describe, expect, test } from 'vitest';
import { maskSecrets, secrecyOf, toAuditJson } from '../../../src/audit/event-json.ts';

/** Every one of these is a secret that must never be in a chain that nobody can change. */
const CANARIES: readonly (readonly [what: string, secret: string, text: string])[] = [
  ['a key of ours', 'Zq3mN8xVbK2hT7wRy5cPdL9fJg4sQe1A0UiOpX', 'sk-lg-4fWq0TzLmN8x-'],
  ['a key of a vendor', 'sk-proj-Ab3dEf6hIj9k', ''],
  ['a bearer token', 'c2VjcmV0LWNhbmFyeQ==', 'authorization header: Bearer '],
  ['a login', 'YWxpY2U6Y2FuYXJ5', 'Basic '],
  ['a login in an address', 'bob:canary1', 'https://'],
  ['a parameter', 'canary-2', 'https://host/v1?api_key='],
  ['a signature in a query', 'canary3sig', 'https://bucket/x?a=1&X-Amz-Signature='],
  ['a web token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjIn0.c2lnbmF0dXJl', ''],
  ['a cloud key', 'AKIAIOSFODNN7EXAMPLE', 'id '],
  ['a token of a forge', 'ghp_0123456789abcdefghij', ''],
  ['a webhook secret', 'whsec_MfKQ9r8GKYqrTwjU', ''],
  ['a password in a text', 'hunter2hunter', 'connect with password='],
  ['a quoted password', 'canary4', '{"password": "'],
  ['a private key', 'MC4CAQAwBQYDK2Vw', '-----BEGIN PRIVATE KEY-----\n'],
];

describe('a text', () => {
  test.each(CANARIES)('loses %s', (_, secret, before) => {
    const after = before.startsWith('https://') && !before.includes('?') ? '@host/v1' : '';
    const masked = maskSecrets(`x ${before}${secret}${after} y`);
    expect(masked).not.toContain(secret);
    expect(masked).toContain('[secret]');
    expect(masked.startsWith('x ')).toBe(true);
  });

  test.each([
    'key 4fWq0TzLmN8x was rotated',
    'sk-lg-4fWq0TzLmN8x',
    'api_key: ${env:OPENAI_API_KEY}',
    'max_output_tokens: 4096',
    'https://api.openai.com/v1/models?limit=20',
    'scikit-learn, task-force, risk-lg',
    'basic settings are kept',
  ])('keeps what is none: %s', (text) => {
    expect(maskSecrets(text)).toBe(text);
  });

  test('half a character does not make a hash that nobody can repeat', () => {
    expect(maskSecrets('a\ud800b')).toBe('a\ufffdb');
  });

  test('is cut when it is a document', () => {
    expect(maskSecrets('é'.repeat(10_000)).length).toBeLessThan(5_000);
  });
});

describe('a field', () => {
  test.each([
    ['password', 'hunter2'],
    ['apiKey', 'k'],
    ['api_key', 'k'],
    ['secret_access_key', 'k'],
    ['signingKey', 'k'],
    ['content_keys', ['k1', 'k2']],
    ['digest', 'ab12'],
    ['Authorization', 'x'],
    ['set-cookie', 'x'],
    ['token', 'abc'],
    ['tokens', undefined],
    ['pin_password', 1234],
    ['credentials', { user: 'u', anything: { deep: 'v' } }],
  ])('%s is struck out by its name', (name, value) => {
    const json = toAuditJson({ [name]: value }) ?? '';
    for (const secret of ['hunter2', '"k', 'ab12', '"x"', 'abc', '1234', '"u"', '"v"']) {
      expect(json).not.toContain(secret);
    }
  });

  test('that counts or names something stays', () => {
    const value = {
      tokens_per_minute: 5,
      token_budget: { tokens: 100, window: 'month' },
      max_output_tokens: 9,
      token: 3,
      key: '4fWq0TzLmN8x',
      public_key: 'llmgate/x+00+AA',
      secrets: [{ created_at: '2026-11-20T00:00:00.000Z', expires_at: null }],
      api_key: '${env:NAME}',
    };
    expect(JSON.parse(toAuditJson(value) ?? '')).toEqual(value);
  });

  test('of bytes is its length alone', () => {
    expect(toAuditJson({ id: new Uint8Array([1, 2, 3]), raw: Buffer.from('abc') })).toBe(
      '{"id":"[3 bytes]","raw":"[3 bytes]"}',
    );
  });

  test('names are judged as they are written anywhere', () => {
    const open = ['key_file', 'keyId', 'author', 'tokenizer', 'passive', 'monkey', 'pemmican'];
    expect(open.filter((name) => secrecyOf(name) !== 'open')).toEqual([]);
  });
});

describe('a value', () => {
  test('of nothing is nothing', () => {
    expect([null, undefined].map(toAuditJson)).toEqual([null, null]);
  });

  test('JSON does not know is said in words or left out', () => {
    expect(toAuditJson({ big: 2n ** 60n, f: () => 1, u: undefined, nan: Number.NaN })).toBe(
      '{"big":"1152921504606846976","nan":null}',
    );
  });

  test('without an end or of any depth ends', () => {
    const endless: { self?: unknown } = {};
    endless.self = endless;
    expect(toAuditJson(endless)).toContain('[too deep]');
  });

  test('as long as a file is its size and hash', () => {
    const json = toAuditJson({ many: Array.from({ length: 50_000 }, (_, at) => at) }) ?? '';
    expect(JSON.parse(json)).toMatchObject({ too_long: true, sha256: expect.any(String) });
  });
});
