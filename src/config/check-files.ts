import { join, resolve } from 'node:path';
import { BadValue } from './bad-value.ts';
import type { Finding, ValuePath } from './finding.ts';
import { at, textAt } from './raw.ts';
import { readRegularFile } from './regular-file.ts';

/** Shortest limit of the systems we run on (macOS; Linux has 107), without the final NUL. */
const LONGEST_SOCKET_PATH = 103;
const LARGEST_PEM = 1_000_000;

/** Paths of the file that must lead somewhere. Relative ones start from `folder`. */
export function checkFiles(file: unknown, folder: string): Finding[] {
  return [
    ...checkDataDir(file, folder),
    ...checkTls(at(file, 'listen'), ['listen', 'tls'], folder),
    ...checkTls(at(at(file, 'admin'), 'listen'), ['admin', 'listen', 'tls'], folder),
  ];
}

function checkTls(listen: unknown, path: ValuePath, folder: string): Finding[] {
  const tls = at(listen, 'tls');
  return ['cert_file', 'key_file'].flatMap((key) =>
    checkPem(textAt(tls, key), [...path, key], folder),
  );
}

function checkDataDir(file: unknown, folder: string): Finding[] {
  const written = textAt(file, 'data_dir') ?? 'llmgate-data';
  const path = ['data_dir'];
  if (written === '~' || written.startsWith('~/')) {
    return [{ path, message: '~ is not expanded here; write the whole path' }];
  }
  if (written.includes('\0')) return [{ path, message: 'a path cannot contain a NUL' }];
  const socket = join(resolve(folder, written), 'admin.sock');
  const length = Buffer.byteLength(socket);
  if (length <= LONGEST_SOCKET_PATH) return [];
  const message = `the admin socket in it would have a path of ${length} bytes, and ${LONGEST_SOCKET_PATH} is the limit`;
  return [{ path, message, hint: 'choose a shorter path' }];
}

function checkPem(name: string | undefined, path: ValuePath, folder: string): Finding[] {
  if (name === undefined || name === '') return [];
  try {
    const { bytes, mode } = readRegularFile(resolve(folder, name), LARGEST_PEM);
    if (!Buffer.from(bytes).includes('-----BEGIN ')) return [{ path, message: 'not a PEM file' }];
    const isKey = path.at(-1) === 'key_file';
    if (!isKey || (mode & 0o007) === 0) return [];
    return [{ path, message: 'the private key is readable by every user', hint: 'run chmod 600' }];
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    return [{ path, message: `the file ${error.message}` }];
  }
}
