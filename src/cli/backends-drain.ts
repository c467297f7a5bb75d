import type { Command } from 'commander';
import type { DrainResult } from '../admin/live-schemas.ts';
import { addAccessOptions, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { renderFields } from './table.ts';
import { toVisibleText } from './visible-text.ts';

const DRAIN_EXAMPLE = `Examples:
  llmgate backends drain gpu0                asks first
  llmgate backends drain gpu0 --yes          no new requests; those it has go on
`;

const RESUME_EXAMPLE = `Example:
  llmgate backends resume gpu0
`;

const ARGUMENT = 'id of the backend, as the configuration names it';

interface DrainFlags extends AccessFlags, OutputOptions {
  readonly yes?: true;
}

/** The pair that takes a backend out and back in: `drain` and `resume`. */
export function addBackendsDrainCommands(backends: Command, io: CliIo): void {
  const drain = backends
    .command('drain')
    .description('send a backend no new requests, until resume or a restart')
    .addHelpText('before', DRAIN_EXAMPLE)
    .argument('<backend>', ARGUMENT)
    .option('--yes', 'do not ask');
  addOutputOptions(addAccessOptions(drain)).action(async (id: string, flags: DrainFlags) => {
    const result = await withOperations(io, { ...flags, need: 'gateway' }, async (operations) => {
      if (flags.yes !== true) await confirm(io, `Send backend "${id}" no new requests?`);
      return operations.drainBackend(id);
    });
    await printReport(io, flags, toReport(result));
  });
  const resume = backends
    .command('resume')
    .description('send a drained backend requests again')
    .addHelpText('before', RESUME_EXAMPLE)
    .argument('<backend>', ARGUMENT)
    .option('--yes', 'nothing is asked; taken so that scripts can treat both alike');
  addOutputOptions(addAccessOptions(resume)).action(async (id: string, flags: DrainFlags) => {
    const result = await withOperations(io, { ...flags, need: 'gateway' }, (operations) =>
      operations.resumeBackend(id),
    );
    await printReport(io, flags, toReport(result));
  });
}

async function confirm(io: CliIo, question: string): Promise<void> {
  if (io.ask === undefined) {
    throw new CliError('nobody is there to ask', EXIT.usage, 'Add --yes to drain without asking.');
  }
  const answer = await io.ask(`${toVisibleText(question)} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was drained');
}

function toReport(result: DrainResult): Report {
  return {
    document: result,
    rows: [result],
    human: renderFields([
      ['backend', result.id],
      ['state', result.drained ? 'drained' : 'takes requests'],
      ['in flight', String(result.in_flight)],
    ]),
  };
}
