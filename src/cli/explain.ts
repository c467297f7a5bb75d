import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { DryRunInput } from '../admin/dry-run-schemas.ts';
import { addAccessOptions, SYSTEM, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import { toDryRunReport } from './explain-dry-run.ts';
import { toExplainReport } from './explain-request.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate explain 019a9f3c-1f5e-7c2a-9b1d-0a1b2c3d4e5f   how it went
  llmgate explain 019a9f3c1f5e                           the beginning will do
  llmgate explain --key alice --model llama-3.3-70b      how one would go now
  llmgate explain --key alice --model llama --body request.json --json
`;

const WORDS = `
The id is in the header x-request-id of every answer. With --key nothing is sent
to a backend, taken or written; it ends with 1 when the request would be
refused, and needs a gateway that runs.`;

interface ExplainFlags extends AccessFlags, OutputOptions {
  readonly key?: string;
  readonly model?: string;
  readonly endpoint?: string;
  readonly body?: string;
  readonly header?: Readonly<Record<string, string>>;
}

/** What the command reads besides files. */
export interface ExplainSources {
  readStdin(): Promise<Uint8Array>;
}

const SOURCES: ExplainSources = { readStdin: () => Bun.stdin.bytes() };

export function addExplainCommand(
  program: Command,
  io: CliIo,
  system: SystemParts = SYSTEM,
  sources: ExplainSources = SOURCES,
): void {
  const command = program
    .command('explain')
    .description('what was decided about a request and why, or what would be')
    .addHelpText('before', EXAMPLE)
    .addHelpText('after', WORDS)
    .argument('[request]', 'id of a request, or the beginning of one')
    .option('--key <key>', 'id or name of a key: what would become of its request')
    .option('--model <name>', 'the model that it asks for')
    .option('--endpoint <name>', 'chat, messages, embeddings, … or a path (default: chat)')
    .option('--body <file>', 'what it would send; - reads it from stdin')
    .option('--header <header>', 'such as "x-session-id: s1"; may be repeated', parseHeader);
  addOutputOptions(addAccessOptions(command)).action(
    async (request: string | undefined, flags: ExplainFlags) => {
      checkFlags(request, flags);
      const width = io.stdoutIsTty ? io.columns : null;
      if (request !== undefined) {
        const found = await withOperations(io, { ...flags, need: 'data', system }, ({ explain }) =>
          explain.request(request),
        );
        return await printReport(io, flags, toExplainReport(found, width));
      }
      const order = await toOrder(flags, sources);
      const run = await withOperations(io, { ...flags, need: 'gateway', system }, ({ explain }) =>
        explain.dryRun(order),
      );
      await printReport(io, flags, toDryRunReport(run, width));
      if (run.would === 'be_refused') io.setExitCode(EXIT.failed);
    },
  );
}

function checkFlags(request: string | undefined, flags: ExplainFlags): void {
  const { key, model, endpoint, body, header } = flags;
  const says = (message: string) => new CliError(message, EXIT.usage);
  if (request === undefined) {
    if (key === undefined) throw says('name a request, or --key and --model');
    if (model === undefined && body === undefined) {
      throw says('--key goes with --model, or with --body that names one');
    }
  } else if ([key, model, endpoint, body, header].some((flag) => flag !== undefined)) {
    throw says('a request goes without --key, --model, --endpoint, --body and --header');
  }
}

async function toOrder(flags: ExplainFlags, sources: ExplainSources): Promise<DryRunInput> {
  const { key = '', model, endpoint, header, body } = flags;
  return {
    key,
    ...(model === undefined ? {} : { model }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(header === undefined ? {} : { headers: header }),
    ...(body === undefined ? {} : encodeBody(await readBody(body, sources))),
  };
}

async function readBody(file: string, { readStdin }: ExplainSources): Promise<Uint8Array> {
  if (file === '-') return await readStdin();
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it is no file';
    throw new CliError(`--body ${toVisibleText(file)} cannot be read: ${code}`, EXIT.usage);
  }
}

/** A form may hold any bytes; JSON is sent as the text it is. */
function encodeBody(bytes: Uint8Array): Pick<DryRunInput, 'body' | 'body_base64'> {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { body_base64: Buffer.from(bytes).toString('base64') };
  }
}

function parseHeader(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).trim().toLowerCase();
  if (colon < 1 || !/^[!#$%&'*+.^`|~\w-]+$/.test(name)) {
    throw new InvalidArgumentError('Write a name and a value, such as "x-session-id: s1".');
  }
  return { ...before, [name]: text.slice(colon + 1).trim() };
}
