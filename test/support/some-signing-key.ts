import { generateKeyPairSync } from 'node:crypto';
import { originOf } from '../../src/audit/checkpoint-text.ts';
import { createSigningKey, type SigningKey } from '../../src/audit/signed-note.ts';

/** A key that signs checkpoints of these books, another one at each call. */
export function someSigningKey(installId: string): SigningKey {
  return createSigningKey(originOf(installId), generateKeyPairSync('ed25519').privateKey);
}
