import { Command } from 'commander';
import type { CliIo } from '../../src/cli/io.ts';
import { runProgram } from '../../src/cli/run-program.ts';

export interface CliRun {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

export interface RunCliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdoutIsTty?: boolean;
  readonly columns?: number;
  readonly ask?: (question: string) => Promise<string>;
  readonly signal?: AbortSignal;
}

/** Runs commands as the shell would, without a process: every stream and code is in the answer. */
export async function runCli(
  addCommands: (program: Command, io: CliIo) => void,
  args: readonly string[],
  options: RunCliOptions = {},
): Promise<CliRun> {
  const { io, run } = createRecordedIo(options);
  const program = new Command('llmgate');
  addCommands(program, io);
  await runProgram(program, args, io);
  return run;
}

/** A terminal that remembers what it was told. */
export function createRecordedIo(options: RunCliOptions = {}): { io: CliIo; run: CliRun } {
  const run = { out: '', err: '', exitCode: 0 };
  const io: CliIo = {
    out: (text) => {
      run.out += text;
    },
    err: (text) => {
      run.err += text;
    },
    env: options.env ?? {},
    cwd: options.cwd ?? '/nonexistent',
    stdoutIsTty: options.stdoutIsTty ?? false,
    columns: options.columns ?? 80,
    setExitCode: (code) => {
      run.exitCode = code;
    },
    signal: options.signal ?? new AbortController().signal,
    ...(options.ask === undefined ? {} : { ask: options.ask }),
  };
  return { io, run };
}
