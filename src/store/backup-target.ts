import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CONTENT_APPLICATION_ID } from './content/content-database.ts';
import { readDatabaseHeader } from './database-header.ts';
import { APPLICATION_ID } from './migrations.ts';
import { StoreError } from './store-error.ts';

/** Beginnings of the names that the gateway itself uses in its data directory. */
const OWN_NAMES = ['llmgate.db', 'content.db', 'lock', 'install-id', 'admin.sock', 'audit-signing'];

/** The copy of captured content that belongs to a backup. */
export function contentCopyPath(file: string): string {
  return `${file}.content`;
}

/**
 * Throws a StoreError, in one sentence, when a backup must not be written there. What is
 * overwritten must be a backup itself, so that a slip of the hand costs no other file.
 */
export function checkBackupTarget(dataDir: string, file: string, overwrite: boolean): void {
  const folder = realFolder(file);
  if (join(folder, '.') === join(realpathSync(dataDir), '.') && isOwnName(basename(file))) {
    throw new StoreError(`${file} is a name that the gateway itself uses; choose another one.`);
  }
  checkPlace(file, overwrite, APPLICATION_ID);
  checkPlace(contentCopyPath(file), overwrite, CONTENT_APPLICATION_ID);
}

function isOwnName(name: string): boolean {
  return OWN_NAMES.some((own) => name.startsWith(own));
}

function realFolder(file: string): string {
  const folder = dirname(file);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError(`there is no folder ${folder}; make it first.`);
  }
  return realpathSync(folder);
}

function checkPlace(path: string, overwrite: boolean, applicationId: number): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isFile())
    throw new StoreError(`${path} exists and is not a file; choose another name.`);
  if (!overwrite) {
    throw new StoreError(`${path} exists; choose another name, or add --overwrite.`);
  }
  if (readDatabaseHeader(path).applicationId === applicationId) return;
  throw new StoreError(`${path} is not a backup of llmgate and is not overwritten.`);
}
