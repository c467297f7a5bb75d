import type { Command } from 'commander';
import type { LogLevelChange, LogLevelsView } from '../admin/log-schemas.ts';
import { LOG_LEVELS, LOG_SUBSYSTEMS } from '../observe/log-levels.ts';
import { addAccessOptions, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { renderFields } from './table.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate log level                          what it is
  llmgate log level backends=debug           for one part of the program
  llmgate log level warn gateway=info
  llmgate log level backends=                as everything else again
`;

export function addLogCommand(program: Command, io: CliIo): void {
  const log = program
    .command('log')
    .description('how much the running gateway logs')
    .addHelpText('before', 'Example:\n  llmgate log level backends=debug\n');
  const level = log
    .command('level')
    .description('show levels, or change them until a reload or a restart')
    .addHelpText('before', EXAMPLE)
    .argument('[change...]', 'level for everything, or part=level');
  addOutputOptions(addAccessOptions(level)).action(
    async (words: readonly string[], flags: AccessFlags & OutputOptions) => {
      const change = parseChange(words);
      const levels = await withOperations(io, { ...flags, need: 'gateway' }, (operations) =>
        words.length === 0 ? operations.log.levels() : operations.log.setLevels(change),
      );
      await printReport(io, flags, toReport(levels));
    },
  );
}

/** `warn`, `backends=debug` and `backends=`. Throws for anything else. */
function parseChange(words: readonly string[]): LogLevelChange {
  let level: LogLevelChange['level'];
  const levels: NonNullable<LogLevelChange['levels']> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at === -1) {
      level = parseOne(word, LOG_LEVELS);
      continue;
    }
    const value = word.slice(at + 1);
    const subsystem = parseOne(word.slice(0, at), LOG_SUBSYSTEMS);
    levels[subsystem] = value === '' ? null : parseOne(value, LOG_LEVELS);
  }
  return level === undefined ? { levels } : { level, levels };
}

function parseOne<Word extends string>(text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new CliError(`"${toVisibleText(text)}" is none of ${words.join(', ')}`, EXIT.usage);
}

function toReport({ level, levels }: LogLevelsView): Report {
  const own = LOG_SUBSYSTEMS.map((part): [string, string] => [part, levels[part] ?? level]);
  return {
    document: { level, levels },
    rows: [{ level, ...levels }],
    human: renderFields([['everything', level], ...own]),
  };
}
