import { resolve } from 'node:path';
import { BadValue } from './bad-value.ts';
import { readRegularFile } from './regular-file.ts';

const MOST_BYTES = 65_536;

/**
 * The text of a secret file without the line break that editors add. Refuses a file that other
 * users of the machine can read, and an empty one. Throws BadValue without any of the content.
 */
export function readSecretFile(name: string, folder: string): string {
  if (name.trim() === '') throw new BadValue('write ${file:/path} with a path');
  const path = resolve(folder, name);
  let text: string;
  let mode: number;
  try {
    const file = readRegularFile(path, MOST_BYTES);
    mode = file.mode;
    text = new TextDecoder('utf-8', { fatal: true }).decode(file.bytes).trim();
  } catch (error) {
    const what = error instanceof BadValue ? error.message : 'is not UTF-8 text';
    throw new BadValue(`the secret file ${path} ${what}`, { cause: error });
  }
  if ((mode & 0o077) !== 0) {
    const bits = mode.toString(8).padStart(4, '0');
    throw new BadValue(
      `the secret file ${path} is readable by other users (mode ${bits}); run chmod 600`,
    );
  }
  if (text === '') throw new BadValue(`the secret file ${path} is empty`);
  return text;
}
