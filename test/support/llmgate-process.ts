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

export type LogFields = Readonly<Record<string, unknown>>;

/** A compiled llmgate that keeps running: `serve` or `mock`. */
export class LlmgateProcess extends RunningProcess {
  constructor(args: readonly string[], options: ProcessOptions) {
    super([llmgateBinary(), ...args], options);
  }

  /** The first log line of this event that has these fields. */
  untilEvent(event: string, fields: LogFields = {}): Promise<LogFields> {
    const wanted = Object.entries({ event, ...fields });
    const find = (line: string) => {
      const logged = parseLogLine(line);
      return logged && wanted.every(([name, value]) => logged[name] === value) ? logged : null;
    };
    return this.untilFound(find, `event ${JSON.stringify(Object.fromEntries(wanted))}`);
  }
}

function parseLogLine(line: string): LogFields | null {
  if (!line.startsWith('{')) return null;
  return JSON.parse(line) as LogFields;
}
