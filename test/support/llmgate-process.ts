import { llmgateBinary } from './llmgate-binary.ts';
import { type ProcessOptions, RunningProcess } from './running-process.ts';

export interface FinishedRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the compiled llmgate to its end. */
export async function runLlmgate(
  args: readonly string[],
  { cwd, env = {} }: ProcessOptions,
): Promise<FinishedRun> {
  const child = Bun.spawn([llmgateBinary(), ...args], {
    cwd,
    env: { ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}

/** A compiled llmgate that keeps running: `serve` or `mock`. */
export class LlmgateProcess extends RunningProcess {
  constructor(args: readonly string[], options: ProcessOptions) {
    super([llmgateBinary(), ...args], options);
  }
}
