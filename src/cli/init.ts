import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { FoundEngine } from '../backends/local-engines.ts';
import { CliError, EXIT } from './exit-code.ts';
import { findEnginesHere } from './find-engines-here.ts';
import type { CliIo } from './io.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate init                         write ./llmgate.yaml for the engines on this machine
  llmgate init /etc/llmgate/config.yaml

`;

/** `findEngines` is replaced in tests, which must not depend on what runs on the machine. */
export function addInitCommand(
  program: Command,
  io: CliIo,
  findEngines: () => Promise<FoundEngine[]> = findEnginesHere,
): void {
  program
    .command('init')
    .description('write a commented configuration; finds local engines by itself')
    .addHelpText('before', EXAMPLE)
    .argument('[file]', 'where to write it', 'llmgate.yaml')
    .option('--force', 'replace the file when it exists')
    .action(async (file: string, flags: { force?: boolean }) => {
      const { renderStartingConfig } = await import('../config/starting-config.ts');
      const found = await findEngines();
      await write(resolve(io.cwd, file), renderStartingConfig(found), flags.force ?? false);
      io.err(toSay(file, found));
    });
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  const { rename, rm, writeFile } = await import('node:fs/promises');
  // A file that is replaced is replaced whole or not at all; a gateway may be watching it.
  const draft = force ? `${path}.${process.pid}.new` : path;
  try {
    await writeFile(draft, text, { flag: 'wx', mode: 0o644 });
    if (force) await rename(draft, path);
  } catch (error) {
    if (force) await rm(draft, { force: true });
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') {
      throw new CliError(`${path} exists`, EXIT.failed, 'llmgate init --force replaces it.');
    }
    const why = REASONS[String(code)] ?? `it cannot be written (${String(code)})`;
    throw new CliError(`${path}: ${why}`, code === 'EACCES' ? EXIT.notAllowed : EXIT.failed);
  }
}

const REASONS: Partial<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EISDIR: 'it is a folder',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
  EROFS: 'the file system is read-only',
};

function toSay(file: string, found: readonly FoundEngine[]): string {
  const engines = found.map(({ type, url, modelIds }) => {
    const models = `${modelIds.length} model${modelIds.length === 1 ? '' : 's'}`;
    return `  found ${type} at ${url} with ${models}\n`;
  });
  const nothing = '  found no engine on this machine; the backend in the file is an example\n';
  const name = toVisibleText(/[\s'"$`\\]/.test(file) ? JSON.stringify(file) : file);
  return `${engines.length > 0 ? engines.join('') : nothing}  wrote ${name}
Next:
  llmgate serve -c ${name}
  llmgate keys create --name me
`;
}
