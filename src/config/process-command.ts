/** Program and arguments as they will be run: a text is split at blanks and at nothing else. */
export function commandWords(command: string | readonly string[]): readonly string[] {
  if (typeof command !== 'string') return command;
  return command.split(/\s+/).filter((word) => word !== '');
}
