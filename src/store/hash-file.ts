import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type { CopiedFile } from './backup-manifest.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Size and SHA-256 of a file of any length, on the caller's thread. */
export function hashFile(path: string): CopiedFile {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    let sizeBytes = 0;
    for (let count = -1; count !== 0; sizeBytes += count) {
      count = readSync(file, chunk, 0, CHUNK_BYTES, sizeBytes);
      hash.update(chunk.subarray(0, count));
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    closeSync(file);
  }
}
