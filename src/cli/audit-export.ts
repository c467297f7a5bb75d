import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { AuditOperations } from '../admin/operations.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { ChainWord } from './audit-chain.ts';
import { toRequest } from './audit-list.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { escapeHidden } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate audit export --out trail.jsonl
  llmgate audit export --chain requests --since 2026-11 | gzip > nov.gz
`;

const CHAINS = ['all', 'admin', 'requests'] as const;

interface ExportFlags extends AccessFlags {
  readonly chain: (typeof CHAINS)[number];
  readonly since?: string;
  readonly until?: string;
  readonly key?: string;
  readonly out?: string;
}

export function addAuditExportCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const command = audit
    .command('export')
    .description('the trail as JSON Lines, oldest first, in the form that sinks get')
    .addHelpText('before', EXAMPLE)
    .addOption(new Option('--chain <chain>', 'which rows').choices(CHAINS).default('all'))
    .option('--since <time>', 'from when, such as 7d, today or 2026-11')
    .option('--until <time>', 'until when (default: now)')
    .option('--key <key>', 'only of this key: its id or name')
    .option('--out <file>', 'write there instead of printing');
  addAccessOptions(command).action((flags: ExportFlags) => exportTrail(flags, io, system));
}

async function exportTrail(flags: ExportFlags, io: CliIo, system: SystemParts): Promise<void> {
  const sink = flags.out === undefined ? toStdout(io) : openFile(resolve(io.cwd, flags.out));
  const chains: ChainWord[] = flags.chain === 'all' ? ['admin', 'requests'] : [flags.chain];
  try {
    await withOperations(io, { ...flags, need: 'data', system }, async ({ audit }) => {
      for (const chain of chains) {
        const request = toRequest({ ...flags, chain, oldest: true }, system.clock.nowMs());
        if (await copy(audit, request, sink)) continue;
        io.err('That somebody has exported this could not be written into the trail.\n');
      }
    });
  } finally {
    sink.close();
  }
}

interface Sink {
  /** Resolves when there is room for more. */
  write(text: string): Promise<void>;
  close(): void;
}

/** False when it could not be put on record. */
async function copy(
  audit: AuditOperations,
  listed: ReturnType<typeof toRequest>,
  sink: Sink,
): Promise<boolean> {
  const request = { ...listed, purpose: 'export' } as const;
  let after: number | null = null;
  let isRecorded = true;
  do {
    const page: Awaited<ReturnType<AuditOperations['page']>> = await audit.page({
      ...request,
      after,
    });
    isRecorded &&= page.recorded;
    const lines = page.rows.map((row) => `${escapeHidden(JSON.stringify(row), 'json')}\n`);
    await sink.write(lines.join(''));
    after = page.next;
  } while (after !== null);
  return isRecorded;
}

function toStdout(io: CliIo): Sink {
  return {
    async write(text) {
      io.out(text);
      await io.written?.();
    },
    close: () => {},
  };
}

/** Never over another file: an export may be somebody's evidence. */
function openFile(path: string): Sink {
  try {
    const file = openSync(path, 'wx', 0o600);
    return { write: async (text) => void writeSync(file, text), close: () => closeSync(file) };
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new CliError(`${path} ${exists ? 'is there already' : 'cannot be written'}`);
  }
}
