import { lstatSync, type Stats } from 'node:fs';
import { refused } from './explain-fault.ts';

/**
 * What lies at a path of the data directory; undefined when nothing does. Throws a StoreError for
 * anything but a plain file: a pipe would hold the process up for ever, and what a link leads to
 * is not replaced by a restore.
 */
export function statRegularFile(path: string): Stats | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return found;
  const what = found.isDirectory()
    ? 'a folder'
    : found.isSymbolicLink()
      ? 'a symbolic link'
      : 'a pipe, socket or device';
  throw refused(path, `is ${what}, not a file`);
}
