import { type Command, Option } from 'commander';
import {
  parseAssert,
  parseBenchDuration,
  parseBenchEndpoint,
  parseBurstiness,
  parseConcurrency,
  parseExtraBody,
  parseGoodput,
  parseHeader,
  parseMetadata,
  parseNumPrompts,
  parsePercentiles,
  parseRampRate,
  parseRangeRatio,
  parseReadySeconds,
  parseRequestRate,
  parseRounds,
  parseSeed,
  parseSpeedup,
  parseSweepRates,
  parseTokens,
  parseTokensOrNone,
  parseWarmups,
} from './bench-flags.ts';
import { parseShare } from './mock-flags.ts';

/** Every flag of `llmgate bench`; the names are vLLM's where it has one. */
export function addBenchOptions(command: Command): Command {
  addServerOptions(command);
  addLoadOptions(command);
  addPromptOptions(command);
  return addResultOptions(command);
}

function addServerOptions(command: Command): void {
  command
    .option('--url <url>', 'server to put load on', 'http://127.0.0.1:8080')
    .addOption(new Option('--base-url <url>', 'the same').hideHelp())
    .option('--compare <url>', 'the server behind it: says what --url adds')
    .option('--endpoint <name>', 'chat, completions, embeddings', parseBenchEndpoint, 'chat')
    .option('--model <name>', 'model to ask (the first one listed)')
    .option('--compare-model <name>', 'its name at --compare (the same)')
    .option('--api-key-file <file>', 'key of the caller (LLMGATE_API_KEY)')
    .option('--header <name:value>', 'added to every request; repeatable', parseHeader)
    .addOption(duration('--timeout <duration>', 'longest request', [600_000, '10m']))
    .option('--ready-check-timeout-sec <n>', 'wait for the server', parseReadySeconds, 0);
}

function addLoadOptions(command: Command): void {
  command
    .option('--num-prompts <n>', 'requests in all (200)', parseNumPrompts)
    .option('--duration <duration>', 'send for so long instead', parseBenchDuration)
    .option('--request-rate <n>', 'requests/s on a fixed schedule, or inf', parseRequestRate)
    .option('--burstiness <n>', '1 Poisson, less bursty, inf even', parseBurstiness, 1)
    .option('--max-concurrency <n>', 'in flight at a time (16)', parseConcurrency)
    .addOption(
      new Option('--ramp-up-strategy <how>', 'change the rate as it goes').choices([
        'linear',
        'exponential',
      ]),
    )
    .option('--ramp-up-start-rps <n>', 'from this rate', parseRampRate)
    .option('--ramp-up-end-rps <n>', 'to this one', parseRampRate)
    .option('--sweep [rates]', 'find the highest rate it carries', parseSweepRates)
    .option('--stop-over-saturated', 'stop when the server falls behind')
    .option('--rounds <n>', 'of --compare', parseRounds, 20)
    .option('--num-warmups <n>', 'requests before, not counted', parseWarmups, 0)
    .addOption(duration('--grace-period <duration>', 'for the last ones', [30_000, '30s']))
    .option('--cancel-rate <percent>', 'share of requests to hang up on', parseShare)
    .addOption(duration('--cancel-delay <duration>', 'after so long', [100, '100ms']))
    .option('--no-stream', 'whole answers')
    .option('--seed <n>', 'other prompts, other arrivals', parseSeed, 0);
}

function addPromptOptions(command: Command): void {
  command
    .addOption(
      new Option('--dataset-name <name>', 'where prompts come from (random)').choices([
        'random',
        'custom',
        'mooncake',
      ]),
    )
    .option('--dataset-path <file>', 'JSON Lines of prompts, or a trace')
    .option('--speedup <n>', 'replay a trace so many times as fast', parseSpeedup)
    .option('--input-len <tokens>', 'words of a random prompt', parseTokens, 128)
    .option('--output-len <tokens>', 'longest answer (128)', parseTokens)
    .option('--random-range-ratio <n>', 'vary lengths by this share', parseRangeRatio, 0)
    .option('--prefix-prompt-length <tokens>', 'shared beginnings', parseTokensOrNone, 0)
    .option('--num-prefix-prompts <n>', 'how many of them there are', parseTokensOrNone, 0)
    .option('--ignore-eos', 'answer to the full length')
    .option('--extra-body <json>', 'put over the body', parseExtraBody);
}

function addResultOptions(command: Command): Command {
  return command
    .option('--goodput <slo...>', 'ttft:MS tpot:MS e2el:MS that good requests keep', parseGoodput)
    .option('--metric-percentiles <list>', 'percentiles', parsePercentiles, [50, 90, 95, 99, 99.9])
    .option('--assert <condition>', "such as 'ttft_p99<500ms': exit 1; repeatable", parseAssert)
    .option('--metadata <name=value>', 'put in the result; repeatable', parseMetadata)
    .option('--html <file>', 'write a page with plots')
    .option('--details <file>', 'write JSON Lines, one for each request');
}

/** A duration whose default is shown as people write it. */
function duration(flags: string, what: string, [ms, shown]: readonly [number, string]): Option {
  return new Option(flags, what).argParser(parseBenchDuration).default(ms, shown);
}
