import { existsSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import {
  type AuditVerificationView,
  VERIFY_NOTES_MAX,
  type VerifyAuditInput,
} from '../admin/audit-schemas.ts';
import { findNotes } from '../audit/signed-note.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { toVerificationReport } from './audit-verify-report.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { toCliError } from './to-cli-error.ts';

const EXAMPLE = `Examples:
  llmgate audit verify
  llmgate audit verify --checkpoint october.note --public-key llmgate.pub
  llmgate audit verify --db /mnt/copy/llmgate.db     a copy, without its gateway
`;

interface VerifyFlags extends AccessFlags, OutputOptions {
  readonly db?: string;
  readonly checkpoint?: readonly string[];
  readonly publicKey?: string;
  readonly sinceCheckpoint?: true;
}

export function addAuditVerifyCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const command = audit
    .command('verify')
    .description('read every row of both chains; exit 1 names the first that is not as written')
    .addHelpText('before', EXAMPLE)
    .option('--db <file>', 'verify this copy of llmgate.db; needs no gateway and no lock')
    .option('--checkpoint <file>', 'notes that were kept elsewhere; may be repeated', collect)
    .option('--public-key <key>', 'what its signature must fit: the key, or a file that holds it')
    .option('--since-checkpoint', 'read only what came after the newest checkpoint that agrees');
  addOutputOptions(addAccessOptions(command)).action(async (flags: VerifyFlags) => {
    const input: VerifyAuditInput = {
      checkpoints: (flags.checkpoint ?? []).flatMap((file) => readNotes(resolve(io.cwd, file))),
      public_key: flags.publicKey === undefined ? null : readKey(flags.publicKey, io.cwd),
      since_checkpoint: flags.sinceCheckpoint === true,
    };
    const found =
      flags.db === undefined
        ? await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
            operations.audit.verify({
              ...input,
              // The newest prove the most; a copy of the file can be held against all of them.
              checkpoints: input.checkpoints.slice(-VERIFY_NOTES_MAX),
            }),
          )
        : await verifyCopy(resolve(io.cwd, flags.db), input, io, system);
    await printReport(io, flags, toVerificationReport(found));
    if (!found.ok) io.setExitCode(EXIT.failed);
  });
}

async function verifyCopy(
  path: string,
  input: VerifyAuditInput,
  io: CliIo,
  { clock }: SystemParts,
): Promise<AuditVerificationView> {
  const databasePath = findDatabase(path);
  const { verifyAudit } = await import('../store/verify-audit.ts');
  const { toVerificationView } = await import('../admin/audit-view.ts');
  const startedMs = clock.monotonicMs();
  try {
    const found = await verifyAudit({
      databasePath,
      notes: input.checkpoints,
      pinnedKey: input.public_key,
      ownKey: null,
      sinceCheckpoint: input.since_checkpoint,
      threads: availableParallelism(),
    });
    return toVerificationView(found, clock.monotonicMs() - startedMs);
  } catch (cause) {
    const error = toCliError(cause, io.signal);
    throw error === cause && cause instanceof Error ? new CliError(cause.message) : error;
  }
}

/** A folder stands for the database in it. */
function findDatabase(path: string): string {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'llmgate.db') : path;
  if (existsSync(file)) return file;
  throw new CliError(`there is no database at ${file}`, EXIT.notFound);
}

/** A key looks like none of the files that people keep one in. */
function readKey(text: string, cwd: string): string {
  return text.includes('+') && !existsSync(resolve(cwd, text))
    ? text
    : readText(resolve(cwd, text)).trim();
}

/** What holds none is given on as it is, so that it is reported as none. */
function readNotes(path: string): string[] {
  const text = readText(path).replaceAll('\r\n', '\n');
  const notes = findNotes(text);
  return notes.length === 0 ? [text.slice(0, 1_000)] : notes;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CliError(`${path} cannot be read`, EXIT.notFound);
  }
}

function collect(file: string, before: readonly string[] = []): string[] {
  return [...before, file];
}
