import { type Command, CommanderError } from 'commander';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';

/** Runs one command line and sets the exit code. Never throws: a bug is reported as one, code 1. */
export async function runProgram(
  program: Command,
  args: readonly string[],
  io: CliIo,
): Promise<void> {
  prepare(program, io);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (cause) {
    io.setExitCode(report(cause, io));
  }
}

/** Commander prints and exits by itself unless each command is told otherwise. */
function prepare(command: Command, io: CliIo): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.out(text),
    writeErr: (text) => io.err(text),
    getOutHelpWidth: () => io.columns,
    getErrHelpWidth: () => io.columns,
  });
  for (const child of command.commands) prepare(child, io);
}

function report(cause: unknown, io: CliIo): number {
  // Commander has printed its own message; help and version are not errors.
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (cause instanceof CliError) {
    io.err(`llmgate: ${cause.message}\n`);
    if (cause.hint !== null) io.err(`${cause.hint}\n`);
    return cause.exitCode;
  }
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  io.err(`llmgate: this is a bug: ${detail}\n`);
  return EXIT.failed;
}
