import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SinkFailure } from './sink-failure.ts';

/** How an exported line begins: what does not begin like this is not ours to cut. */
const LINE_START = Buffer.from('{"schema":1,');

const BLOCK_BYTES = 64 * 1024;

/**
 * Opens a file of exported lines to append to, made 0600 when it is missing. The half line that a
 * crash or a full disk left at its end is cut off: it was never taken for delivered, so it comes
 * again. Throws SinkFailure for a file that holds something else.
 */
export async function openLineFile(path: string): Promise<FileHandle> {
  // Reading too, for the tail; and opening a pipe to write alone would wait until somebody reads it.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND;
  const file = await open(path, flags, 0o600);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new SinkFailure('the path is not a regular file');
    if (found.size === 0) await flushFolder(path);
    else await cutHalfLine(file, found.size);
    return file;
  } catch (cause) {
    await file.close();
    throw cause;
  }
}

async function cutHalfLine(file: FileHandle, sizeBytes: number): Promise<void> {
  const endBytes = await findLineEnd(file, sizeBytes);
  if (endBytes === sizeBytes) return;
  const tail = await read(file, endBytes, Math.min(LINE_START.length, sizeBytes - endBytes));
  if (!LINE_START.subarray(0, tail.length).equals(tail)) {
    throw new SinkFailure('the file ends in something that llmgate did not write');
  }
  await file.truncate(endBytes);
}

/** Where the last whole line ends; 0 when there is none. */
async function findLineEnd(file: FileHandle, sizeBytes: number): Promise<number> {
  for (let end = sizeBytes; end > 0; ) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const block = await read(file, start, end - start);
    const at = block.lastIndexOf(0x0a);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** A new file survives a power cut only when its folder was flushed too. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
