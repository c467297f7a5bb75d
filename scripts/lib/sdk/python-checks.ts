import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { ensurePythonEnv } from './python-env.ts';

/** What `lab.py` makes a lab of. */
export interface PythonLab {
  readonly base_url: string;
  readonly model: string;
  /** Parts of the lab that checks may need. */
  readonly has: readonly string[];
  /** The only key, where there are no books to make more in. */
  readonly key?: string;
  /** The executable and the folder with its configuration: what the books are read with. */
  readonly llmgate?: string;
  readonly folder?: string;
  readonly mock_url?: string;
}

const CHECKS_WITHIN_MS = 5 * 60_000;

/** Runs the checks of the official Python client and prints their lines. True when all passed. */
export async function runPythonChecks(lab: PythonLab): Promise<boolean> {
  const python = await ensurePythonEnv(
    join(ROOT, '.tools/python'),
    join(import.meta.dirname, 'requirements.txt'),
  );
  const child = Bun.spawn([python, '-B', join(import.meta.dirname, 'run_checks.py')], {
    // The key comes on standard input: the list of processes shows arguments to everybody.
    stdin: new Blob([JSON.stringify(lab)]),
    stdout: 'inherit',
    stderr: 'inherit',
    env: { PATH: process.env['PATH'], NO_PROXY: '*', PYTHONUNBUFFERED: '1' },
    timeout: CHECKS_WITHIN_MS,
  });
  return (await child.exited) === 0;
}
