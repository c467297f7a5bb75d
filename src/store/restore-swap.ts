import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { writeInstallId } from './install-id.ts';
import { giveToOwner, SIDE_FILES } from './restore-copy.ts';
import { openSqlite, sqliteCode } from './sqlite.ts';
import { StoreError } from './store-error.ts';
import { syncToDisk } from './sync-to-disk.ts';

// The order of a restore, so that a process killed at any moment leaves a directory that opens:
//
// 1. The present log is written into the present database and removed. Left to lie, it would be
//    replayed into the new one.
// 2. The present files get a second name. Nothing has been taken away yet.
// 3. When the books are of another installation, the install id goes: without one a directory is
//    the one that its database says.
// 4. The new books are renamed over the old: the moment in which the restore happens.
// 5. Content follows. Content that is newer than its books is content that no row names.
// 6. The install id of the new books is written.

export interface Swap {
  readonly dataDir: string;
  /** The books in use, and what takes their place. */
  readonly books: Replacement;
  /** `staged` null leaves no content; null for the whole keeps what there is. */
  readonly content: { readonly path: string; readonly staged: string | null } | null;
  /** What the names of the files that are put aside end with. */
  readonly suffix: string;
  /** Of the new books; null when the directory has it already. */
  readonly newInstallId: string | null;
  readonly onStep: (step: SwapStep) => void;
}

export interface Replacement {
  readonly path: string;
  readonly staged: string;
}

export type SwapStep = 'log_emptied' | 'put_aside' | 'books_replaced' | 'content_replaced' | 'done';

/** Replaces the files. Returns the names of those that were put aside. */
export function swapFiles(swap: Swap): string[] {
  const { dataDir, books, content, suffix, newInstallId, onStep } = swap;
  const installIdPath = join(dataDir, 'install-id');
  emptyLog(books.path);
  if (content !== null) emptyLog(content.path);
  onStep('log_emptied');
  const aside = [
    ...putAside(books.path, suffix),
    ...(content === null ? [] : putAside(content.path, suffix)),
  ];
  if (newInstallId !== null) rmSync(installIdPath, { force: true });
  syncToDisk(dataDir);
  onStep('put_aside');
  replace(books.path, books.staged);
  onStep('books_replaced');
  if (content !== null) {
    if (content.staged === null) removeFile(content.path);
    else replace(content.path, content.staged);
  }
  onStep('content_replaced');
  if (newInstallId !== null) {
    writeInstallId(dataDir, newInstallId);
    giveToOwner(installIdPath);
    syncToDisk(dataDir);
  }
  onStep('done');
  return aside;
}

/** As far as the database can be opened; the log of one that cannot is put aside with it. */
function emptyLog(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return;
  try {
    const db = openSqlite(path, { busyTimeoutMs: 1_000, mustExist: true });
    try {
      const [state] = db.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
      if (state?.busy === 1) {
        throw new StoreError(`${path} is being read by another process; nothing was changed.`);
      }
    } finally {
      // The last connection removes the log.
      db.close();
    }
  } catch (cause) {
    if (sqliteCode(cause) === undefined) throw cause;
  }
}

function putAside(path: string, suffix: string): string[] {
  const aside: string[] = [];
  // The shared memory of a log says nothing that the log does not.
  for (const side of ['', '-wal', '-journal']) {
    const from = `${path}${side}`;
    const to = `${path}${suffix}${side}`;
    const found = lstatSync(from, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (found.isFile()) linkOrCopy(from, to);
    else renameSync(from, to);
    aside.push(to);
  }
  return aside;
}

/** A file keeps its name until another takes its place: there is always one to open. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EEXIST') throw cause;
    // Not every file system has second names.
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    syncToDisk(to);
  }
}

function replace(path: string, staged: string): void {
  for (const side of SIDE_FILES) rmSync(`${path}${side}`, { force: true });
  syncToDisk(dirname(path));
  renameSync(staged, path);
  syncToDisk(dirname(path));
}

function removeFile(path: string): void {
  if (!existsSync(path)) return;
  for (const side of ['', ...SIDE_FILES]) rmSync(`${path}${side}`, { force: true });
  syncToDisk(dirname(path));
}
