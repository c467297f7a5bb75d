import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { BackupView } from '../admin/backup-schemas.ts';
import { addAccessOptions, SYSTEM, type SystemParts, withOperations } from './admin-access.ts';
import { toByteSize } from './byte-size.ts';
import { type AccessFlags, findDataDir } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { startProgressLine } from './progress-line.ts';
import { renderFields } from './table.ts';

const EXAMPLE = `Examples:
  llmgate backup /backups/llmgate-2026-11-20.db
  llmgate backup /backups/llmgate.db --overwrite --json
`;

interface BackupFlags extends AccessFlags, OutputOptions {
  readonly overwrite?: true;
}

export function addBackupCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  const command = program
    .command('backup')
    .description('copy keys, books and captured content to a file; the gateway goes on')
    .argument('<file>', 'the copy; captured content goes to <file>.content')
    .addHelpText('before', EXAMPLE)
    .option('--overwrite', 'replace an older backup of that name');
  addOutputOptions(addAccessOptions(command)).action(async (name: string, flags: BackupFlags) => {
    const file = resolve(io.cwd, name);
    const made = await withOperations(
      io,
      { ...flags, need: 'data', system },
      async ({ backups }) => {
        const stopProgress = await showProgress(io, flags, file);
        const order = { file, overwrite: flags.overwrite === true };
        return await backups.create(order).finally(stopProgress);
      },
    );
    await printReport(io, flags, toReport(made));
    if (!made.recorded) io.err('The audit trail could not be told of this backup.\n');
  });
}

/** Whoever writes the copy, it can be watched as it grows. */
async function showProgress(io: CliIo, flags: AccessFlags, file: string): Promise<() => void> {
  const { path } = await findDataDir(flags, io);
  const ofBytes = sizeOf(join(path, 'llmgate.db')) + sizeOf(join(path, 'content.db'));
  return startProgressLine(io, () => {
    const bytes = sizeOf(`${file}.unfinished`) + sizeOf(`${file}.content.unfinished`);
    return `${toByteSize(bytes)} of at most ${toByteSize(Math.max(bytes, ofBytes))} copied`;
  });
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function toReport(made: BackupView): Report {
  const content = made.content_file;
  return {
    document: made,
    rows: [made],
    human: renderFields([
      ['backup', `${made.file}, ${toByteSize(made.size_bytes)}`],
      ...(content === null
        ? []
        : [['content', `${content}, ${toByteSize(made.content_size_bytes)}`] as const]),
      ['holds', `${made.requests_seq} requests and ${made.admin_events_seq} events, verified`],
      ['time', `${(made.duration_ms / 1_000).toFixed(1)} s`],
    ]),
  };
}
