import { createPrivateKey } from 'node:crypto';
import { BadValue } from './bad-value.ts';

const KEY_BYTES = 32;

/**
 * A key of AES-256 as base64 (either alphabet, padding or not) or hex. Throws BadValue without any
 * of the text.
 */
export function parseContentKey(text: string): Uint8Array {
  const compact = text.trim();
  const isHex = /^[0-9a-fA-F]{64}$/.test(compact);
  const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(compact);
  if (!isHex && !isBase64) {
    throw new BadValue('not 32 bytes as base64 or hex; make one with: openssl rand -base64 32');
  }
  const key = new Uint8Array(Buffer.from(compact, isHex ? 'hex' : 'base64'));
  // Of 32 random bytes fewer than 16 different ones are rarer than a broken generator.
  if (key.length !== KEY_BYTES || new Set(key).size < 16) {
    throw new BadValue('hardly random; make one with: openssl rand -base64 32');
  }
  return key;
}

/**
 * Throws BadValue unless the text is an Ed25519 private key in PEM, without a passphrase, or several
 * one after another: the one that signs, and those before it.
 */
export function checkSigningKey(pem: string): void {
  const blocks = pem.match(/-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----/g) ?? [];
  for (const block of [blocks[0] ?? pem, ...blocks.slice(1)]) checkOneKey(block);
}

function checkOneKey(pem: string): void {
  const hint = 'make one with: openssl genpkey -algorithm ed25519';
  let kind: string | undefined;
  try {
    kind = createPrivateKey(pem).asymmetricKeyType;
  } catch {
    throw new BadValue(`not a private key in PEM; ${hint}`);
  }
  if (kind !== 'ed25519') throw new BadValue(`a private key, but not of Ed25519; ${hint}`);
}
