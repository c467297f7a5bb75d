import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CheckpointView } from '../admin/audit-schemas.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate audit checkpoint | ssh vault 'cat >> llmgate.notes'
  llmgate audit checkpoint --out /mnt/worm/$(date +%F).note
  llmgate audit checkpoint --public-key
`;

interface CheckpointFlags extends AccessFlags, OutputOptions {
  readonly out?: string;
  readonly publicKey?: true;
}

export function addAuditCheckpointCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const command = audit
    .command('checkpoint')
    .description('sign where both chains end now; keep the note where nobody here can change it')
    .addHelpText('before', EXAMPLE)
    .option('--out <file>', 'write the note there instead of printing it')
    .option('--public-key', 'print what checkpoints are verified with, and sign nothing');
  addOutputOptions(addAccessOptions(command)).action(async (flags: CheckpointFlags) => {
    const access = { ...flags, need: 'data', system } as const;
    if (flags.publicKey === true) {
      const key = await withOperations(io, access, ({ audit: trail }) => trail.publicKey());
      return printReport(io, flags, {
        document: { public_key: key },
        rows: [{ public_key: key }],
        human: `${key}\n`,
      });
    }
    const checkpoint = await withOperations(io, access, ({ audit: trail }) => trail.checkpoint());
    if (flags.out === undefined) {
      const human = checkpoint.note;
      return printReport(io, flags, { document: checkpoint, rows: [checkpoint], human });
    }
    writeNote(resolve(io.cwd, flags.out), checkpoint);
    io.err(`${flags.out}: ${describe(checkpoint)}\n`);
  });
}

function describe({ requests_seq, admin_events_seq }: CheckpointView): string {
  return `${requests_seq} requests and ${admin_events_seq} events`;
}

/** Never over another note: one kept for proof must not be lost to a slip. */
function writeNote(path: string, { note }: CheckpointView): void {
  try {
    writeFileSync(path, note, { flag: 'wx' });
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const why = exists ? 'is there already' : 'cannot be written';
    throw new CliError(`${path} ${why}; the checkpoint is signed and kept in the books`);
  }
}
