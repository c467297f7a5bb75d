import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

// Disks that take no more, for a running gateway, without rights that a CI machine lacks.

/** A way to let a process meet a disk that takes no more, while it runs. */
export interface DiskFault {
  readonly name: string;
  /** The command line that starts `command` so that the rest works. */
  wrap(dataDir: string, command: readonly string[]): string[];
  /** Where the data directory of the process can be reached from outside of it. */
  dataDirOf(pid: number, dataDir: string): string;
  begin(pid: number, dataDir: string): void;
  end(pid: number, dataDir: string): void;
}

const MEGABYTES = 12;

/** A file system of its own, mounted for this process alone, and a file that fills it. */
function fullFileSystem(flags: string): DiskFault {
  const mount = `mount -t tmpfs -o size=${MEGABYTES}m,mode=700 none "$1" && shift && exec "$@"`;
  const seenFrom = (pid: number, dataDir: string) => join(`/proc/${pid}/root`, dataDir);
  const ballast = (pid: number, dataDir: string) => join(seenFrom(pid, dataDir), 'ballast');
  return {
    name: 'a full file system',
    wrap(dataDir, command) {
      mkdirSync(dataDir, { recursive: true });
      return ['unshare', flags, 'sh', '-c', mount, 'sh', dataDir, ...command];
    },
    dataDirOf: seenFrom,
    begin: (pid, dataDir) => fill(ballast(pid, dataDir)),
    end: (pid, dataDir) => rmSync(ballast(pid, dataDir)),
  };
}

/** Writes to a new file until the disk has room for nothing more. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const sizeBytes of [1_048_576, 4_096, 1]) {
      const chunk = new Uint8Array(sizeBytes);
      while (writes(file, chunk));
    }
  } finally {
    closeSync(file);
  }
}

function writes(file: number, chunk: Uint8Array): boolean {
  try {
    return writeSync(file, chunk) > 0;
  } catch {
    return false;
  }
}

/** The limit of the kernel on the size of files, at zero: every write fails, no byte is changed. */
const failingWrites: DiskFault = {
  name: 'a disk that fails every write',
  // The signal that comes with it would end the process.
  wrap: (_, command) => ['sh', '-c', 'trap "" 25; exec "$@"', 'sh', ...command],
  dataDirOf: (_, dataDir) => dataDir,
  begin: (pid) => limitFiles(pid, '0'),
  end: (pid) => limitFiles(pid, 'unlimited'),
};

function limitFiles(pid: number, size: string): void {
  run(['prlimit', '--pid', String(pid), `--fsize=${size}:unlimited`]);
}

function run(command: string[]): void {
  const { success, stderr } = Bun.spawnSync(command);
  if (!success) throw new Error(`${command.join(' ')}: ${stderr}`);
}

function works(command: string[]): boolean {
  try {
    return Bun.spawnSync(command, { stdout: 'ignore', stderr: 'ignore' }).success;
  } catch {
    return false;
  }
}

/** Those that this machine can do. */
export function findDiskFaults(): DiskFault[] {
  const flags = ['-Urm', '-m'].find((each) =>
    works(['unshare', each, 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', '/tmp']),
  );
  return [
    ...(flags === undefined ? [] : [fullFileSystem(flags)]),
    ...(works(['prlimit', '--fsize']) ? [failingWrites] : []),
  ];
}
