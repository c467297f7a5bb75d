import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Packages are fetched, and some are compiled. */
const INSTALL_WITHIN_MS = 30 * 60_000;

/**
 * The interpreter of a virtual environment that holds exactly what `requirementsFile` names; made
 * when it is not there yet or holds something else. Throws an Error that says what to do.
 */
export async function ensurePythonEnv(folder: string, requirementsFile: string): Promise<string> {
  const python = join(folder, 'bin/python');
  const stamp = join(folder, 'installed.txt');
  const wanted = readFileSync(requirementsFile, 'utf8');
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return python;
  }
  const shown = relative(process.cwd(), folder);
  process.stderr.write(`setting up a Python environment in ${shown} (once)\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await run(
    ['python3', '-m', 'venv', folder],
    'python3 -m venv failed; install Python 3.10 or newer',
  );
  await run(
    [python, '-m', 'pip', 'install', '--disable-pip-version-check', '-q', '-r', requirementsFile],
    'pip could not install the packages',
  );
  writeFileSync(stamp, wanted);
  return python;
}

async function run(command: string[], failure: string): Promise<void> {
  const exitCode = await spawn(command).catch(() => null);
  if (exitCode !== 0) throw new Error(failure);
}

// Throws, too, where there is no such program.
async function spawn(command: string[]): Promise<number> {
  return await Bun.spawn(command, {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    timeout: INSTALL_WITHIN_MS,
  }).exited;
}
