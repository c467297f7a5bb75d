import { readdir, readFile } from 'node:fs/promises';

/** Is there a process in this group that still runs? One that waits to be reaped does not. */
export async function isGroupAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  const pids = await listPids();
  if (pids === null) return true; // Without /proc the signal is all there is to ask.
  for (const pid of pids) {
    const stat = await readProc(pid, 'stat');
    // `pid (name) state ppid pgrp`; the name may hold anything, also brackets.
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(pgrp) === group && state !== 'Z' && state !== 'X') return true;
  }
  return false;
}

/**
 * Kills what inherited this variable, in whatever group it is, and returns how many there were.
 * Does nothing without /proc.
 */
export async function killMarked(marker: string): Promise<number> {
  let killed = 0;
  for (const pid of (await listPids()) ?? []) {
    if (Number(pid) === process.pid) continue;
    // Nothing can be read any more of one that waits to be reaped.
    const variables = await readProc(pid, 'environ');
    if (!variables.split('\0').includes(marker)) continue;
    killed += 1;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  return killed;
}

/** null: there is no /proc. */
async function listPids(): Promise<readonly string[] | null> {
  try {
    const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return names.length === 0 ? null : names;
  } catch {
    return null;
  }
}

/** Empty for one that has ended or is somebody else's. */
async function readProc(pid: string, file: 'stat' | 'environ'): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
