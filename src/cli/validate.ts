import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Problem } from '../config/problem.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { escapeHidden } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate validate                     check the file that serve would use
  llmgate validate llmgate.yaml --json

`;

export function addValidateCommand(program: Command, io: CliIo): void {
  program
    .command('validate')
    .description('find every problem of a configuration in one run')
    .addHelpText('before', EXAMPLE)
    .argument('[file]', 'configuration file; by default the one that serve would use')
    .option('-c, --config <file>', 'the same, as serve has it (LLMGATE_CONFIG)')
    .option('--json', 'one JSON document')
    .action((file: string | undefined, flags: ValidateFlags) => validate(file, flags, io));
}

interface ValidateFlags {
  readonly config?: string;
  readonly json?: boolean;
}

/** What was found, the same for people and for programs. Problems are data, so they go to stdout. */
interface Verdict {
  readonly file: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly text: string;
}

async function validate(file: string | undefined, flags: ValidateFlags, io: CliIo): Promise<void> {
  const path = await findFile(file ?? flags.config, io);
  const verdict = await judge(path, io);
  const valid = verdict.problems.length === 0;
  if (!valid) io.setExitCode(EXIT.config);
  if (flags.json) return io.out(renderJson(verdict, valid));
  io.out(`${verdict.text}\n`);
  if (!valid) io.err(`${verdict.file}: ${count(verdict.problems.length, 'problem')}\n`);
}

async function findFile(named: string | undefined, io: CliIo): Promise<string> {
  const { findConfigFile, usualPlaces } = await import('../config/find-config-file.ts');
  const path = findConfigFile({ flag: named, env: io.env, cwd: io.cwd });
  if (path !== null) return path;
  const places = usualPlaces(io.env, io.cwd).join(', ');
  const hint = `Looked for ${places}. llmgate init writes one.`;
  throw new CliError('there is no configuration file', EXIT.notFound, hint);
}

async function judge(path: string, io: CliIo): Promise<Verdict> {
  const { loadConfig } = await import('../config/load.ts');
  const { ConfigError } = await import('../config/problem.ts');
  const file = nearName(path, io.cwd);
  try {
    const { config, warnings, warningText } = loadConfig({ path, env: io.env, name: file });
    const summary = `${file} is valid: ${summarize(config)}`;
    const text = warningText === '' ? summary : `${warningText}\n${summary}`;
    return { file, problems: [], warnings, text };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { file, problems: error.problems, warnings: [], text: error.message };
  }
}

/** As short as a person in this folder would write it. */
function nearName(path: string, cwd: string): string {
  const name = relative(cwd, resolve(cwd, path));
  return name === '' || name.startsWith('..') ? path : name;
}

function summarize({ backends, models, limits, budgets }: Config): string {
  return [
    count(backends.length, 'backend'),
    count(models.length, 'model'),
    count(limits.length, 'limit'),
    ...(budgets.length > 0 ? [count(budgets.length, 'budget')] : []),
  ].join(', ');
}

function count(amount: number, thing: string): string {
  return `${amount} ${thing}${amount === 1 ? '' : 's'}`;
}

function renderJson({ file, problems, warnings }: Verdict, valid: boolean): string {
  const document = { file, valid, problems: problems.map(toRow), warnings: warnings.map(toRow) };
  return escapeHidden(`${JSON.stringify(document, null, 2)}\n`, 'json');
}

function toRow({ line, column, path, message, hint }: Problem) {
  return { line, column, path, message, hint: hint ?? null };
}
