import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BadValue } from './bad-value.ts';

export interface RegularFile {
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * A whole file of at most `mostBytes`; links are followed. Opened before it is looked at, and
 * without waiting, so that neither a pipe nor a file swapped in between can hold the process up.
 * Throws BadValue, whose message is a clause about the file.
 */
export function readRegularFile(path: string, mostBytes: number): RegularFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw new BadValue(sayFailure(error), { cause: error });
  }
  try {
    const status = fstatSync(descriptor);
    if (status.isDirectory()) throw new BadValue('is a folder, not a file');
    if (!status.isFile()) throw new BadValue('is a pipe, socket or device, not a file');
    const bytes = new Uint8Array(mostBytes + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    if (length > mostBytes) throw new BadValue(`is larger than ${mostBytes} bytes`);
    return { bytes: bytes.subarray(0, length), mode: status.mode & 0o777 };
  } catch (error) {
    if (error instanceof BadValue) throw error;
    throw new BadValue(sayFailure(error), { cause: error });
  } finally {
    closeSync(descriptor);
  }
}

function sayFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const sentences: Partial<Record<string, string>> = {
    ENOENT: 'does not exist',
    ENOTDIR: 'does not exist',
    EACCES: 'may not be read by this user',
    EPERM: 'may not be read by this user',
    ELOOP: 'is a link that leads in a circle',
    ENXIO: 'is a socket or device, not a file',
  };
  return sentences[code] ?? `cannot be read (${code})`;
}
