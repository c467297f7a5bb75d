import type { FileHandle } from 'node:fs/promises';
import { stat } from 'node:fs/promises';
import { openLineFile } from './line-file.ts';
import type { Sink } from './sink.ts';
import { toSinkFailure } from './sink-failure.ts';

export interface FileSinkConfig {
  readonly id: string;
  readonly path: string;
}

/**
 * JSON Lines appended to a file that only its owner may read, flushed to the disk with every batch.
 * A file that was renamed away is left alone and a new one begun, so any log rotation works.
 *
 * A disk that hangs cannot be called off: the write stays pending, and nothing else is written.
 */
export function createFileSink({ id, path }: FileSinkConfig): Sink {
  let file: FileHandle | undefined;

  async function open(): Promise<FileHandle> {
    if (file !== undefined && (await isAt(file, path))) return file;
    await close();
    file = await openLineFile(path);
    return file;
  }

  async function close(): Promise<void> {
    const closing = file;
    file = undefined;
    await closing?.close();
  }

  return {
    id,
    type: 'file',
    gatherMs: 0,
    async write({ records }) {
      try {
        const handle = await open();
        await handle.appendFile(records.map(({ line }) => `${line}\n`).join(''));
        await handle.datasync();
      } catch (cause) {
        // Opening it again cuts whatever part of a line was written.
        await close().catch(() => {});
        throw toSinkFailure(cause, 'writing');
      }
    },
    close,
  };
}

async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const [open, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return there !== undefined && there.ino === open.ino && there.dev === open.dev;
}
