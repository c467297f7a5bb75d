import type { Command, Option } from 'commander';

/** What can follow a chain of commands. */
export interface Completions {
  /** `llmgate keys create`. */
  readonly path: string;
  readonly words: readonly Word[];
  /** Values of those flags and arguments that take one of a few. */
  readonly choices: readonly { readonly flag: string; readonly values: readonly string[] }[];
  /** Flags whose value is a file or directory. */
  readonly fileFlags: readonly string[];
}

export interface Word {
  readonly text: string;
  readonly description: string;
}

/** Every command of a program with its subcommands and flags, outermost first. */
export function listCompletions(program: Command): Completions[] {
  return walk(program, '');
}

function walk(command: Command, above: string): Completions[] {
  const path = above === '' ? command.name() : `${above} ${command.name()}`;
  const { visibleCommands, visibleOptions } = {
    visibleCommands: command.createHelp().visibleCommands(command),
    visibleOptions: command.createHelp().visibleOptions(command),
  };
  const choices = visibleOptions.flatMap((option) =>
    namesOf(option).map((flag) => ({ flag, values: option.argChoices ?? [] })),
  );
  const positional = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const here: Completions = {
    path,
    words: [
      ...visibleCommands.map((child) => ({ text: child.name(), description: child.description() })),
      ...positional.map((text) => ({ text, description: '' })),
      ...visibleOptions.flatMap((option) =>
        namesOf(option).map((text) => ({ text, description: option.description })),
      ),
    ],
    choices: choices.filter(({ values }) => values.length > 0),
    fileFlags: visibleOptions.filter(takesFile).flatMap(namesOf),
  };
  return [here, ...command.commands.flatMap((child) => walk(child, path))];
}

function namesOf(option: Option): string[] {
  return [option.long, option.short].filter((name) => name !== undefined && name !== null);
}

function takesFile(option: Option): boolean {
  return /<(file|dir)>/.test(option.flags);
}
