import type { Finding, ValuePath } from './finding.ts';
import { commandWords } from './process-command.ts';
import { hasReference } from './secrets.ts';

/** Words that only a shell would understand; alone or at the start of a word. */
const SHELL = /["'`\\;|<>]|&&|\$[({A-Za-z]/;
const SECRET_FLAG = /^--?[\w-]*(?:api-?key|token|secret|password)$/i;

/** A program that llmgate starts, as it is written in the file. */
export function checkCommand(command: unknown, path: ValuePath): Finding[] {
  if (typeof command !== 'string' && !Array.isArray(command)) return []; // The schema reports it.
  const words = commandWords(command);
  if (words.length === 0) {
    return [
      { path, message: 'a command begins with a program', hint: 'write it like llama-server' },
    ];
  }
  if (typeof command === 'string' && !hasReference(command) && SHELL.test(command)) {
    const message = 'no shell reads this: the text is split at blanks and at nothing else';
    return [{ path, message, hint: 'write the command as a list of words' }];
  }
  for (const [index, word] of words.entries()) {
    if (typeof word !== 'string' || word === '') continue;
    if (word.includes('\0')) return [{ path, message: 'an argument cannot contain a NUL' }];
    const [flag = '', value = words[index + 1]] = word.split('=', 2);
    if (!SECRET_FLAG.test(flag) || value === undefined || value.startsWith('-')) continue;
    const message = `${flag} shows to every user of this machine in the list of processes`;
    return [{ path, message, hint: 'give secrets to it in env, as ${env:NAME} or ${file:/path}' }];
  }
  return [];
}
