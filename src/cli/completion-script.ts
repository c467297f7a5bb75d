import type { Completions } from './completion-list.ts';

const PROGRAM = 'llmgate';

/**
 * A completion script. All four work the same way: the words before the cursor that are commands
 * choose a list, the word right before it may choose the values of a flag instead.
 */
export function renderCompletion(
  shell: 'bash' | 'zsh' | 'fish' | 'powershell',
  lists: readonly Completions[],
): string {
  switch (shell) {
    case 'bash':
      return renderBash(lists);
    case 'zsh':
      return renderZsh(lists);
    case 'fish':
      return renderFish(lists);
    case 'powershell':
      return renderPowershell(lists);
  }
}

function renderBash(lists: readonly Completions[]): string {
  return `# ${PROGRAM} completion for bash. To install:
#   mkdir -p ~/.local/share/bash-completion/completions
#   ${PROGRAM} completion bash > ~/.local/share/bash-completion/completions/${PROGRAM}
_${PROGRAM}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local path=${PROGRAM} words= word
${indent(shellWalk('"${COMP_WORDS[@]:1:COMP_CWORD-1}"', lists), 2)}
${indent(shellChoose(lists), 2)}
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _${PROGRAM} ${PROGRAM}
`;
}

function renderZsh(lists: readonly Completions[]): string {
  return `#compdef ${PROGRAM}
# ${PROGRAM} completion for zsh. To install, in a directory of your $fpath:
#   ${PROGRAM} completion zsh > "\${fpath[1]}/_${PROGRAM}"
# or for one shell: source <(${PROGRAM} completion zsh)
_${PROGRAM}() {
  local prev=\${words[CURRENT-1]} path_=${PROGRAM} found= word
  local -a before=("\${(@)words[2,CURRENT-1]}")
${indent(shellWalk('"${before[@]}"', lists).replaceAll('$path', '$path_').replaceAll('path=', 'path_='), 2)}
${indent(shellChoose(lists).replaceAll('$path', '$path_').replaceAll('words=', 'found='), 2)}
  if [[ -n $found ]]; then compadd -- \${=found}; else _files; fi
}
if [[ $funcstack[1] == _${PROGRAM} ]]; then _${PROGRAM} "$@"; else compdef _${PROGRAM} ${PROGRAM}; fi
`;
}

/** Follows the words typed so far from command to subcommand. */
function shellWalk(words: string, lists: readonly Completions[]): string {
  const paths = lists.slice(1).map(({ path }) => `'${path}'`);
  return `for word in ${words}; do
  case "$path $word" in
    ${paths.join(' | ')}) path="$path $word" ;;
  esac
done`;
}

/** Sets `words` to what may come next; empty leaves it to the completion of files. */
function shellChoose(lists: readonly Completions[]): string {
  const values = lists.flatMap(({ path, choices, fileFlags }) => [
    ...choices.map(({ flag, values }) => `'${path} ${flag}') words='${values.join(' ')}' ;;`),
    ...fileFlags.map((flag) => `'${path} ${flag}') words= ;;`),
  ]);
  const words = lists.map(
    ({ path, words }) => `'${path}') words='${words.map(({ text }) => text).join(' ')}' ;;`,
  );
  return `case "$path $prev" in
${indent(values.join('\n'), 2)}
  *) case "$path" in
${indent(words.join('\n'), 4)}
  esac ;;
esac`;
}

function renderFish(lists: readonly Completions[]): string {
  const lines = lists.flatMap(({ path, words, choices, fileFlags }) => {
    const here = `complete -c ${PROGRAM} -n '__${PROGRAM}_at ${path}'`;
    const valued = new Map(choices.map(({ flag, values }) => [flag, values.join(' ')]));
    return words.map(({ text, description }) => {
      const about = description === '' ? '' : ` -d '${description.replaceAll("'", "\\'")}'`;
      if (!text.startsWith('-')) return `${here} -f -a '${text}'${about}`;
      const name = text.startsWith('--') ? `-l ${text.slice(2)}` : `-s ${text.slice(1)}`;
      const choice = valued.get(text);
      const value = choice === undefined ? '' : ` -x -a '${choice}'`;
      return `${here} ${name}${value}${fileFlags.includes(text) ? ' -r -F' : ''}${about}`;
    });
  });
  const paths = lists.slice(1).map(({ path }) => `'${path}'`);
  return `# ${PROGRAM} completion for fish. To install:
#   ${PROGRAM} completion fish > ~/.config/fish/completions/${PROGRAM}.fish
function __${PROGRAM}_at
    set -l path ${PROGRAM}
    for word in (commandline -opc)[2..]
        contains -- "$path $word" ${paths.join(' ')}; and set path "$path $word"
    end
    test "$path" = "$argv"
end
${lines.join('\n')}
`;
}

function renderPowershell(lists: readonly Completions[]): string {
  const entries = lists.flatMap(({ path, words, choices }) => [
    `  '${path}' = ${powershellList(words.map(({ text }) => text))}`,
    ...choices.map(({ flag, values }) => `  '${path} ${flag}' = ${powershellList(values)}`),
  ]);
  return `# ${PROGRAM} completion for PowerShell. To install, put this line in the file $PROFILE:
#   ${PROGRAM} completion powershell | Out-String | Invoke-Expression
$${PROGRAM}Words = @{
${entries.join('\n')}
}
Register-ArgumentCompleter -Native -CommandName ${PROGRAM} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $typed = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
  if ($wordToComplete -ne '') { $typed = @($typed | Select-Object -SkipLast 1) }
  $path = '${PROGRAM}'
  foreach ($word in ($typed | Select-Object -Skip 1)) {
    if ($${PROGRAM}Words.ContainsKey("$path $word") -and -not $word.StartsWith('-')) {
      $path = "$path $word"
    }
  }
  $words = $${PROGRAM}Words["$path $($typed[-1])"]
  if ($null -eq $words) { $words = $${PROGRAM}Words[$path] }
  $words | Where-Object { $_ -like "$wordToComplete*" }
}
`;
}

function powershellList(words: readonly string[]): string {
  return `@(${words.map((word) => `'${word}'`).join(', ')})`;
}

function indent(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(spaces));
}
