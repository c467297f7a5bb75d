import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';

/** What the machine says of this process. Null where it does not. */
export interface ProcessFigures {
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  readonly openFiles: number | null;
  readonly maxFiles: number | null;
  readonly diskFreeBytes: number | null;
  readonly diskSizeBytes: number | null;
}

const FILES = '/proc/self/fd';

/** Reads the process and the file system of `dataDir`. Throws nothing. */
export function createProcessFigures(dataDir: string): () => ProcessFigures {
  const maxFiles = readMaxFiles();
  return () => {
    const { user, system } = process.cpuUsage();
    const disk = attempt(() => statfsSync(dataDir));
    return {
      memoryBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      openFiles: countOpenFiles(),
      maxFiles,
      diskFreeBytes: disk === null ? null : disk.bavail * disk.bsize,
      diskSizeBytes: disk === null ? null : disk.blocks * disk.bsize,
    };
  };
}

/** Linux 6.2 says how many without a list of them, which is long with thousands of connections. */
export function countOpenFiles(): number | null {
  return attempt(() => {
    const { size } = statSync(FILES);
    return size > 0 ? size : readdirSync(FILES).length;
  });
}

/** The soft limit of descriptors; null where nobody can tell. */
export function readMaxFiles(): number | null {
  return attempt(() => {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? null : Number(soft);
  });
}

/** Another system, or a directory that is gone: a figure that is missing is not drawn. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
