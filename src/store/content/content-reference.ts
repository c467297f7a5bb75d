import { createHash } from 'node:crypto';

export const SALT_BYTES = 32;

/**
 * What the row of a request says of its content: SHA-256 over a secret salt, the length of the
 * stored request (8 bytes, big-endian), the stored request and the stored answer. The salt lies
 * encrypted beside the content: once its key is destroyed, nobody can find out by trying texts
 * what the content was, and the reference still stands in the chain.
 */
export function toContentReference(
  salt: Uint8Array,
  request: Uint8Array,
  answer: Uint8Array,
): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(request.byteLength));
  return createHash('sha256').update(salt).update(length).update(request).update(answer).digest();
}
