import { expect, test } from 'vitest';
import { digestSecret } from '../../../src/access/key-format.ts';
import { verifyKey } from '../../../src/access/verify-key.ts';
import type { Key, KeySecret } from '../../../src/core/key.ts';
import { someKey } from '../../support/some-key.ts';

const NOW = 1_000_000;

function secret(text: string, expiresAtMs: number | null = null): KeySecret {
  return { digest: digestSecret(text), createdAtMs: 0, expiresAtMs };
}

const plain = someKey({ secrets: [secret('right')] });
const rotated = someKey({ secrets: [secret('new'), secret('old', NOW + 1)] });
const overlapOver = someKey({ secrets: [secret('new'), secret('old', NOW)] });
const twoStates = { ...overlapOver, expiresAtMs: NOW };

test.each<[string, Key | undefined, string, string]>([
  ['the right secret', plain, 'right', 'ok'],
  ['a wrong secret', plain, 'wrong', 'unknown'],
  ['an empty secret', plain, '', 'unknown'],
  ['no such key', undefined, 'right', 'unknown'],
  ['a key without secrets', someKey(), 'right', 'unknown'],
  ['rotated: the new secret', rotated, 'new', 'ok'],
  ['rotated: the old one in the overlap', rotated, 'old', 'ok'],
  ['rotated: the old one after it', overlapOver, 'old', 'expired'],
  ['rotated: the new one after it', overlapOver, 'new', 'ok'],
  ['an expired key', { ...plain, expiresAtMs: NOW }, 'right', 'expired'],
  ['a key that expires in a millisecond', { ...plain, expiresAtMs: NOW + 1 }, 'right', 'ok'],
  ['an expired key and secret', twoStates, 'old', 'expired'],
  ['suspended', { ...plain, status: 'suspended' }, 'right', 'suspended'],
  ['revoked', { ...plain, status: 'revoked' }, 'right', 'revoked'],
  ['revoked and expired', { ...plain, status: 'revoked', expiresAtMs: 1 }, 'right', 'revoked'],
  // The state of a key is nobody's business who cannot open it.
  ['suspended, wrong secret', { ...plain, status: 'suspended' }, 'wrong', 'unknown'],
  ['revoked, wrong secret', { ...plain, status: 'revoked' }, 'wrong', 'unknown'],
  ['expired, wrong secret', { ...plain, expiresAtMs: 1 }, 'wrong', 'unknown'],
])('%s', (_, key, presented, verdict) => {
  expect(verifyKey(key, presented, NOW)).toBe(verdict);
});

test('a digest of the wrong length in the store opens nothing and breaks nothing', () => {
  const short = { ...secret('right'), digest: digestSecret('right').slice(0, 31) };
  expect(verifyKey(someKey({ secrets: [short] }), 'right', NOW)).toBe('unknown');
  expect(verifyKey(someKey({ secrets: [short, secret('right')] }), 'right', NOW)).toBe('ok');
});

test('secrets that share a long beginning share nothing else', () => {
  const key = someKey({ secrets: [secret(`${'a'.repeat(200)}1`)] });
  expect(verifyKey(key, `${'a'.repeat(200)}2`, NOW)).toBe('unknown');
});
