import { type Command, Option } from 'commander';
import { KEY_STATES, type KeyView, PAGE_SIZE_MAX } from '../admin/key-schemas.ts';
import type { KeyOperations } from '../admin/operations.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { toKeyListReport } from './key-report.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate keys list
  llmgate keys list --status active --team search
  llmgate keys list -o csv > keys.csv
`;

interface ListFlags extends AccessFlags, OutputOptions {
  readonly status?: KeyView['status'];
  readonly user?: string;
  readonly team?: string;
  readonly tenant?: string;
}

const FILTERS = ['status', 'user', 'team', 'tenant'] as const;

export function addKeysListCommand(keys: Command, io: CliIo, system: SystemParts): void {
  const command = keys
    .command('list')
    .description('all keys, oldest first')
    .addHelpText('before', EXAMPLE)
    .addOption(new Option('--status <status>', 'only keys in this state').choices(KEY_STATES))
    .option('--user <user>', 'only keys of this user')
    .option('--team <team>', 'only keys of this team')
    .option('--tenant <tenant>', 'only keys of this tenant');
  addOutputOptions(addAccessOptions(command)).action((flags: ListFlags) =>
    listKeys(flags, io, system),
  );
}

async function listKeys(flags: ListFlags, io: CliIo, system: SystemParts): Promise<void> {
  const found = await withOperations(io, { ...flags, need: 'data', system }, ({ keys }) =>
    collect(keys, (key) => isWanted(key, flags)),
  );
  const report = toKeyListReport(found);
  const isFiltered = FILTERS.some((name) => flags[name] !== undefined);
  await printReport(io, flags, isFiltered ? { ...report, emptyHint: 'No key matches.' } : report);
}

/** Page by page, so that a million keys never stop the gateway that is asked for them. */
async function collect(keys: KeyOperations, isKept: (key: KeyView) => boolean): Promise<KeyView[]> {
  const kept: KeyView[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<KeyOperations['list']>> = await keys.list({
      after,
      limit: PAGE_SIZE_MAX,
    });
    for (const key of page.keys) if (isKept(key)) kept.push(key);
    after = page.next;
  } while (after !== null);
  return kept;
}

function isWanted(key: KeyView, flags: ListFlags): boolean {
  return FILTERS.every((name) => flags[name] === undefined || flags[name] === key[name]);
}
