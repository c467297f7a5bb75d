import { timingSafeEqual } from 'node:crypto';
import type { Key } from '../core/key.ts';
import { digestSecret } from './key-format.ts';

export type KeyVerdict = 'ok' | 'unknown' | 'revoked' | 'suspended' | 'expired';

const NO_DIGEST = new Uint8Array(32);

/**
 * Whether `secret` opens `key` now. The state of a key is told only to who holds a secret of it;
 * everyone else gets `unknown`, after the same work as for a key that does not exist.
 */
export function verifyKey(key: Key | undefined, secret: string, nowMs: number): KeyVerdict {
  const digest = digestSecret(secret);
  if (key === undefined) {
    timingSafeEqual(digest, NO_DIGEST);
    return 'unknown';
  }
  let verdict: KeyVerdict = 'unknown';
  // No early exit: how many secrets a key has must not show in the time either.
  for (const known of key.secrets) {
    if (known.digest.length !== digest.length) continue;
    if (!timingSafeEqual(known.digest, digest)) continue;
    verdict = isPast(known.expiresAtMs, nowMs) ? 'expired' : 'ok';
  }
  if (verdict === 'unknown' || key.status === 'active') {
    return verdict === 'ok' && isPast(key.expiresAtMs, nowMs) ? 'expired' : verdict;
  }
  return key.status;
}

function isPast(expiresAtMs: number | null, nowMs: number): boolean {
  return expiresAtMs !== null && nowMs >= expiresAtMs;
}
