import type { ProcessIo } from './cli/io.ts';
import { createProgram } from './cli/program.ts';
import { runProgram } from './cli/run-program.ts';

// The signals a person or an init system ends us with. The first one asks; commands that need to
// finish something listen to the abort, every other one is over when its work is.
const interrupted = new AbortController();
let exitCode = 0;

const io: ProcessIo = {
  out: (text: string) => void process.stdout.write(text),
  written: () => new Promise((resolve) => process.stdout.write('', () => resolve())),
  err: (text: string) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  stdoutIsTty: process.stdout.isTTY === true,
  stderrIsTty: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? 80,
  setExitCode: (code: number) => {
    exitCode = code;
  },
  signal: interrupted.signal,
  ...(process.stdin.isTTY === true && process.stderr.isTTY === true
    ? {
        ask: async (question: string) => {
          const { ask } = await import('./cli/ask.ts');
          return ask(question, interrupted.signal);
        },
      }
    : {}),
  onSignal: (name, listener) => {
    process.on(name, listener);
  },
};

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => interrupted.abort(name));
}
// A reader such as `head` that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

await runProgram(createProgram(io), process.argv.slice(2), io);
// A pipe takes its time; what was printed must be out before the process is.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
process.exit(exitCode);
