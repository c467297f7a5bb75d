import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `checksums.txt` says about the files in a folder, in the form that sha256sum writes. */
export function renderChecksums(folder: string, names: readonly string[]): string {
  return names
    .map((name) => {
      const digest = new Bun.CryptoHasher('sha256').update(readFileSync(join(folder, name)));
      return `${digest.digest('hex')}  ${name}\n`;
    })
    .join('');
}
