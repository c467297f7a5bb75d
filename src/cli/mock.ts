import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Mock } from '../mock/mock.ts';
import type { MockOptions } from '../mock/options.ts';
import type { ScriptStepInput } from '../mock/script.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import {
  type MockFlags,
  parseAddress,
  parseDelay,
  parseJson,
  parseLatency,
  parseLength,
  parseModels,
  parseNatural,
  parsePositive,
  parseShare,
  parseSpeed,
  parseStatus,
  toBehaviour,
} from './mock-flags.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate mock                                    at once, on port 9001
  llmgate mock --ttft 200ms --tps 50 --jitter 10% feel like a real model
  llmgate mock --latency p50=300ms,p99=4s --fail 1% --max-concurrent 64
  llmgate mock --set '{"fault":{"kind":"reset","after_tokens":5}}'

`;

const MORE = `
Every setting can also come with a request, as JSON in the header x-mock, or be
queued for the requests to come: POST /mock/script. GET /mock/requests and
GET /mock/stats tell what the mock saw. docs/mock.md lists it all.
`;

export function addMockCommand(program: Command, io: CliIo): void {
  program
    .command('mock')
    .description('simulated inference backend for demos, tests and load tests')
    .addHelpText('before', EXAMPLE)
    .addOption(
      new Option('--listen <address>', 'host:port to listen on')
        .argParser(parseAddress)
        .default({ hostname: '127.0.0.1', port: 9001 }, '127.0.0.1:9001'),
    )
    .option('--model <name>', 'serve this model; repeatable', parseModels)
    .option('--any-model', 'answer for any other name too')
    .option('--ttft <duration>', 'time to the first token', parseDelay)
    .option('--prefill <tokens>', 'prompt tokens read per second', parseSpeed)
    .option('--tps <tokens>', 'tokens per second of one stream', parseSpeed)
    .option('--tokens <n|low-high>', 'length of an answer', parseLength)
    .option('--tokens-per-chunk <n>', 'tokens in one chunk of a stream', parsePositive)
    .option('--jitter <percent>', 'how much the gap between tokens varies', parseShare)
    .option('--latency <p50=…,p99=…>', 'percentiles of the time to the answer', parseLatency)
    .option('--fail <percent>', 'part of the requests that fail', parseShare)
    .option('--fail-status <status>', 'how they fail (500)', parseStatus)
    .option('--max-concurrent <n>', 'answered at a time; the rest wait', parsePositive)
    .option('--max-queued <n>', 'may wait; past that 503', parseNatural)
    .option('--context <tokens>', 'longest prompt and answer', parsePositive)
    .option('--api-key <key>', 'refuse other keys (LLMGATE_MOCK_API_KEY)')
    .option('--seed <n>', 'other words, other luck', parseNatural)
    .option('--log-requests <n>', 'requests remembered for GET /mock/requests', parseNatural)
    .option('--set <json>', 'any behaviour of docs/mock.md', parseJson)
    .option('--script <file>', 'JSON list of behaviours for the first requests')
    .addHelpText('after', MORE)
    .action((flags: MockFlags) => runMock(flags, io));
}

async function runMock(flags: MockFlags, io: CliIo): Promise<void> {
  const { BehaviourError } = await import('../mock/behaviour.ts');
  try {
    const mock = await openMock(flags, io);
    io.err(`llmgate mock listens on ${mock.url}\n`);
    await untilAborted(io.signal);
    await mock.stop();
  } catch (cause) {
    if (!(cause instanceof BehaviourError)) throw cause;
    throw new CliError(
      toVisibleText(cause.message),
      EXIT.usage,
      'docs/mock.md lists every setting.',
    );
  }
}

async function openMock(flags: MockFlags, io: CliIo): Promise<Mock> {
  const { startMock } = await import('../mock/mock.ts');
  const script = flags.script === undefined ? [] : readScript(resolve(io.cwd, flags.script));
  const { hostname, port } = flags.listen;
  try {
    const mock = await startMock(toOptions(flags, io));
    mock.script(...script);
    return mock;
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new CliError(`cannot listen on ${hostname}:${port}: ${String(cause.code)}`);
  }
}

function toOptions(flags: MockFlags, io: CliIo): MockOptions {
  const key = flags.apiKey ?? io.env['LLMGATE_MOCK_API_KEY'];
  return {
    ...flags.listen,
    models: flags.model,
    isAnyModel: flags.model === undefined || flags.anyModel === true,
    apiKey: key === '' ? undefined : key,
    seed: flags.seed,
    maxConcurrent: flags.maxConcurrent,
    maxQueued: flags.maxQueued,
    contextTokens: flags.context,
    logRequests: flags.logRequests,
    behaviour: toBehaviour(flags),
  };
}

/** Steps of `--script`. What is in them is checked when the mock takes them. */
function readScript(path: string): ScriptStepInput[] {
  let steps: unknown;
  try {
    steps = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(toVisibleText(`${path}: ${reason}`), EXIT.usage);
  }
  if (Array.isArray(steps)) return steps as ScriptStepInput[];
  throw new CliError(toVisibleText(`${path}: not a JSON list`), EXIT.usage);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => {
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
