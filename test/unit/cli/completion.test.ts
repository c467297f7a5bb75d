import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addCompletionCommand } from '../../../src/cli/completion.ts';
import { addKeysCommand } from '../../../src/cli/keys.ts';
import { runCli } from '../../support/run-cli.ts';
import { testDir } from '../../support/test-dir.ts';

// The scripts are run by the shells that they are for, where this machine has them.

async function complete(shell: string, file: string, line: string): Promise<string[]> {
  const words = line.split(' ');
  const scripts: Record<string, string> = {
    bash: `source ${file}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
      COMP_CWORD=${words.length - 1}; _llmgate; printf '%s\\n' "\${COMPREPLY[@]}"`,
    // compadd and _files exist only inside a completion; what they are given is what counts.
    zsh: `compdef() { :; }; source ${file}; _files() { :; }; compadd() { shift; print -l -- "$@"; }
      words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; _llmgate`,
    fish: `source ${file}; complete -C'${line}'`,
  };
  const run = Bun.spawn([shell, '-c', scripts[shell] ?? ''], { stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([run.stdout.text(), run.stderr.text()]);
  expect(err).toBe('');
  const last = words.at(-1) ?? '';
  return out
    .split('\n')
    .map((candidate) => candidate.split('\t')[0] ?? '')
    .filter((candidate) => candidate !== '' && candidate.startsWith(last));
}

async function printScript(shell: string): Promise<string> {
  const run = await runCli(
    (program, io) => {
      addKeysCommand(program, io);
      addCompletionCommand(program, io);
    },
    ['completion', shell],
  );
  expect(run).toMatchObject({ err: '', exitCode: 0 });
  return run.out;
}

describe.each(['bash', 'zsh', 'fish'])('%s', (shell) => {
  const isHere = Bun.which(shell) !== null;

  test.skipIf(!isHere)('completes commands, flags and values', async () => {
    const file = join(testDir(), 'script');
    writeFileSync(file, await printScript(shell));
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['llmgate ke', ['keys']],
      ['llmgate keys re', ['resume', 'revoke']],
      ['llmgate keys create --en', ['--endpoints']],
      ['llmgate keys list --status a', ['active']],
      ['llmgate keys list -o j', ['json']],
      ['llmgate completion f', ['fish']],
      // A name that looks like a command is still only a name.
      ['llmgate keys show keys --ou', ['--output']],
    ];
    for (const [line, expected] of cases) {
      expect([line, (await complete(shell, file, line)).toSorted()]).toEqual([line, expected]);
    }
  });
});

test.each(['bash', 'zsh', 'fish', 'powershell'])('%s is told how to install it', async (shell) => {
  const script = await printScript(shell);
  expect(script.split('\n').slice(0, 4).join('\n')).toContain(`llmgate completion ${shell}`);
  for (const word of ['keys', 'rotate', 'overlap', 'suspended']) expect(script).toContain(word);
});
