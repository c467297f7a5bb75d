import { Argument, type Command } from 'commander';
import type { CliIo } from './io.ts';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
type Shell = (typeof SHELLS)[number];

const EXAMPLE = `Examples:
  source <(llmgate completion bash)          this shell only
  llmgate completion fish > ~/.config/fish/completions/llmgate.fish
`;

/** Prints a script for a shell. It knows every command and flag that `program` has when it runs. */
export function addCompletionCommand(program: Command, io: CliIo): void {
  program
    .command('completion')
    .description('a completion script for a shell; its first lines say where to put it')
    .addHelpText('before', EXAMPLE)
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(async (shell: Shell) => {
      const { listCompletions } = await import('./completion-list.ts');
      const { renderCompletion } = await import('./completion-script.ts');
      io.out(renderCompletion(shell, listCompletions(program)));
    });
}
