import { isAbsolute, resolve } from 'node:path';

/** Program and arguments as they will be run: a text is split at blanks and at nothing else. */
export function commandWords(command: string | readonly string[]): readonly string[] {
  if (typeof command !== 'string') return command;
  return command.split(/\s+/).filter((word) => word !== '');
}

/** As it is started: a path to the program that is relative starts from `folder`. */
export function resolveCommand(
  command: string | readonly string[],
  folder: string,
): readonly string[] {
  const [program = '', ...args] = commandWords(command);
  const isPath = program.includes('/') && !isAbsolute(program);
  return [isPath ? resolve(folder, program) : program, ...args];
}
