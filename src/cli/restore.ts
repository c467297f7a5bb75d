import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { PreparedRestore, RestoreStep } from '../store/restore.ts';
import { addLocalOptions, isAnswering, SYSTEM, type SystemParts } from './admin-access.ts';
import { type AccessFlags, findDataDir } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { nameActor } from './name-actor.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { startProgressLine } from './progress-line.ts';
import {
  describeRestore,
  type RestoreView,
  toRestoreReport,
  toRestoreView,
} from './restore-report.ts';
import { toCliError } from './to-cli-error.ts';

const EXAMPLE = `Examples:
  llmgate restore llmgate-2026-11-20.db --dry-run --data-dir drill   verify it
  llmgate restore llmgate-2026-11-20.db                              asks first
`;

interface RestoreFlags extends AccessFlags, OutputOptions {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly replaceInstall?: true;
  readonly keepContent?: true;
}

const STEPS: Partial<Record<RestoreStep, string>> = {
  copying: 'copying it into the data directory',
  verifying: 'reading every page and row',
};

export function addRestoreCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  const command = program
    .command('restore')
    .description('put a backup in the place of the books; no gateway may be running')
    .argument('<file>', 'what "llmgate backup" wrote')
    .addHelpText('before', EXAMPLE)
    .option('--dry-run', 'verify everything and say what would be lost, replace nothing')
    .option('--yes', 'do not ask')
    .option('--keep-content', 'leave captured content as it is, restore the books alone')
    .option('--replace-install', 'also over a directory that belongs to other books');
  addOutputOptions(addLocalOptions(command)).action(async (name: string, flags: RestoreFlags) => {
    const file = resolve(io.cwd, name);
    try {
      const view = await restore(io, file, flags, system);
      await printReport(io, flags, toRestoreReport(view));
    } catch (cause) {
      throw toCliError(cause, io.signal);
    }
  });
}

async function restore(
  io: CliIo,
  file: string,
  flags: RestoreFlags,
  { clock }: SystemParts,
): Promise<RestoreView> {
  const { path: dataDir, signingKey } = await findDataDir(flags, io);
  if (await isAnswering(join(dataDir, 'admin.sock'))) {
    const hint = 'Stop it first; "llmgate restore --dry-run" needs that as well.';
    throw new CliError(`a gateway is running on ${dataDir}`, EXIT.failed, hint);
  }
  const { prepareRestore } = await import('../store/restore.ts');
  let doing = 'looking at it';
  const stopProgress = startProgressLine(io, () => doing);
  const prepared = await prepareRestore({
    ...{ dataDir, file, signingKey, clock, threads: availableParallelism() },
    replaceInstall: flags.replaceInstall === true,
    keepContent: flags.keepContent === true,
    onStep: (step) => {
      doing = STEPS[step] ?? doing;
    },
  }).finally(stopProgress);
  try {
    const hasKey = signingKey !== null || existsSync(join(dataDir, 'audit-signing-key.pem'));
    const facts = { file, dataDir, prepared, hasKey };
    if (flags.dryRun === true) return toRestoreView({ ...facts, aside: [], isDryRun: true });
    const planned = toRestoreView({ ...facts, aside: [], isDryRun: false });
    if (flags.yes !== true && prepared.loss.kind !== 'none') await confirm(io, planned);
    const aside = apply(prepared, io);
    return { ...planned, restored: true, aside };
  } finally {
    prepared.close();
  }
}

function apply(prepared: PreparedRestore, io: CliIo): string[] {
  // Whoever pressed Ctrl-C at the question is answered before anything is touched.
  io.signal.throwIfAborted();
  return prepared.apply({ actor: nameActor(io), origin: 'offline' });
}

async function confirm(io: CliIo, planned: RestoreView): Promise<void> {
  if (io.ask === undefined) {
    throw new CliError(
      'nobody is there to ask',
      EXIT.usage,
      'Add --yes to restore without asking.',
    );
  }
  io.err(describeRestore(planned));
  const answer = await io.ask('Put it in the place of the present books? [y/N] ');
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was restored');
}
