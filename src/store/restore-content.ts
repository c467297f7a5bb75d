import { existsSync } from 'node:fs';
import type { BackupManifest } from './backup-manifest.ts';
import { contentCopyPath } from './backup-target.ts';
import { openContentDatabase } from './content/content-database.ts';
import { hashFile } from './hash-file.ts';
import { refusedCopy } from './restore-copy.ts';
import { StoreError } from './store-error.ts';
import { syncToDisk } from './sync-to-disk.ts';

/** The way out when only the books are there, or only they are wanted. */
const WAY_OUT = 'or restore the books alone with --keep-content';

/** The content that belongs to the books, or null. Throws a StoreError when it is not there. */
export function findContentCopy(file: string, manifest: BackupManifest | null): string | null {
  if (manifest === null || manifest.content === null) return null;
  const path = contentCopyPath(file);
  if (existsSync(path)) return path;
  throw new StoreError(
    `${path} is missing, which belongs to ${file}; nothing was changed, put it there, ${WAY_OUT}.`,
  );
}

/** Throws a StoreError unless the staged file is the one that was made with the books. */
export function verifyContent(staged: string, file: string, manifest: BackupManifest): void {
  const path = contentCopyPath(file);
  const { sizeBytes, sha256 } = hashFile(staged);
  if (sizeBytes !== manifest.content?.sizeBytes || sha256 !== manifest.content.sha256) {
    throw new StoreError(
      `${path} is not the file that was made with ${file}; nothing was changed, put the right one there, ${WAY_OUT}.`,
    );
  }
  const db = openContentDatabase(staged, 'full');
  try {
    const found = String(db.pragma('quick_check(1)', { simple: true }));
    if (found !== 'ok') throw refusedCopy(path, `is damaged (${found})`);
    db.pragma('journal_mode = DELETE');
  } finally {
    db.close();
  }
  syncToDisk(staged);
}
