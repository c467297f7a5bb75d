import type { ProcessIo } from './cli/io.ts';
import { createProgram } from './cli/program.ts';
import { runProgram } from './cli/run-program.ts';

// The signals a person or an init system ends us with. The first one asks; commands that need to
// finish something listen to the abort, every other one is over when its work is.
const interrupted = new AbortController();
let exitCode = 0;

// A pipe takes its time, and a file may lie on a disk that is full: only the last write knows.
let printed = Promise.resolve();
function print(text: string): void {
  printed = new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (error) stopPrinting(error);
      resolve();
    });
  });
}

/** A reader such as `head` that has seen enough is no failure. */
function stopPrinting(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`llmgate: what was to be printed could not be written (${error.code})\n`);
  process.exit(1);
}

const io: ProcessIo = {
  out: print,
  written: () => printed,
  err: (text: string) => void process.stderr.write(text),
  errThen: (text, done) => void process.stderr.write(text, (error) => done(error != null)),
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
  onUncaught: (listener) => {
    process.on('uncaughtException', (cause) => listener(cause, 'exception'));
    process.on('unhandledRejection', (cause) => listener(cause, 'rejection'));
  },
};

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => interrupted.abort(name));
}
process.stdout.on('error', stopPrinting);
// Whoever read what went wrong is gone; that is no reason to stop working.
process.stderr.on('error', () => {});

await runProgram(createProgram(io), process.argv.slice(2), io);
await printed;
process.exit(exitCode);
