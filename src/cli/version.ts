import type { Command } from 'commander';
import { BUILD_INFO } from './build-info.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate version
  llmgate version --json                     what to put in a bug report
`;

export function addVersionCommand(program: Command, io: CliIo): void {
  const command = program
    .command('version')
    .description('version, commit and the engines inside')
    .addHelpText('before', EXAMPLE);
  addOutputOptions(command).action(async (flags: OutputOptions) => {
    const document = {
      version: BUILD_INFO.version,
      commit: BUILD_INFO.commit,
      target: BUILD_INFO.target,
      built_at: BUILD_INFO.builtAt,
      bun: Bun.version,
      sqlite: await readSqliteVersion(),
    };
    const { version, commit, target, bun, sqlite } = document;
    const from = commit === null ? 'from source' : `commit ${commit.slice(0, 12)}`;
    await printReport(io, flags, {
      document,
      rows: [document],
      human: `llmgate ${version} (${from}, ${target}, Bun ${bun}, SQLite ${sqlite})\n`,
    });
  });
}

/** Asked of the engine itself, on a database that is nowhere: the package has its own number. */
async function readSqliteVersion(): Promise<string> {
  const { openSqlite } = await import('../store/sqlite.ts');
  const database = openSqlite(':memory:', { busyTimeoutMs: 0, mustExist: false });
  try {
    return String(database.prepare('SELECT sqlite_version()').pluck().get());
  } finally {
    database.close();
  }
}
