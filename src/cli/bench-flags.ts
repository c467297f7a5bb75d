import { InvalidArgumentError } from 'commander';
import { type Assertion, parseAssertion } from '../bench/assertion.ts';
import { type BenchEndpoint, parseEndpoint } from '../bench/endpoint.ts';
import { type Objectives, parseObjective } from '../bench/goodput.ts';
import { BadValue } from '../config/bad-value.ts';
import { parseDuration } from '../config/units.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { OutputOptions } from './output.ts';

/** The flags of `llmgate bench` as commander leaves them. Absent ones were not given. */
export interface BenchFlags extends OutputOptions {
  readonly url: string;
  readonly baseUrl?: string;
  readonly compare?: string;
  readonly endpoint: BenchEndpoint;
  readonly model?: string;
  readonly compareModel?: string;
  readonly apiKeyFile?: string;
  readonly header?: [string, string][];
  readonly stream: boolean;
  readonly numPrompts?: number;
  readonly duration?: number;
  readonly requestRate?: number;
  readonly burstiness: number;
  readonly maxConcurrency?: number;
  readonly rampUpStrategy?: 'linear' | 'exponential';
  readonly rampUpStartRps?: number;
  readonly rampUpEndRps?: number;
  readonly sweep?: number | true;
  readonly stopOverSaturated?: true;
  readonly rounds: number;
  readonly numWarmups: number;
  readonly gracePeriod: number;
  readonly timeout: number;
  readonly readyCheckTimeoutSec: number;
  readonly cancelRate?: number;
  readonly cancelDelay: number;
  readonly datasetName?: 'random' | 'custom' | 'mooncake';
  readonly datasetPath?: string;
  readonly inputLen: number;
  readonly outputLen?: number;
  readonly randomRangeRatio: number;
  readonly prefixPromptLength: number;
  readonly numPrefixPrompts: number;
  readonly speedup?: number;
  readonly ignoreEos?: true;
  readonly extraBody?: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly goodput?: Objectives;
  readonly metricPercentiles: readonly number[];
  readonly assert?: Assertion[];
  readonly metadata?: Record<string, string>;
  readonly html?: string;
  readonly details?: string;
}

/** More requests than this in one run are a typing error. */
const PROMPTS_MAX = 10_000_000;
/** A generator of one thread reaches a few ten thousand; beyond this nobody means it. */
const RATE_MAX = 1_000_000;

export function parseBenchEndpoint(text: string): BenchEndpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== null) return endpoint;
  throw new InvalidArgumentError('Write chat, completions or embeddings, or its /v1/… path.');
}

export const parseNumPrompts = wholeNumber(1, PROMPTS_MAX);
export const parseConcurrency = wholeNumber(1, 16_000);
export const parseTokens = wholeNumber(1, 10_000_000);
export const parseTokensOrNone = wholeNumber(0, 10_000_000);
export const parseWarmups = wholeNumber(0, 100_000);
export const parseRounds = wholeNumber(5, 1_000);
export const parseSweepRates = wholeNumber(2, 100);
export const parseSeed = wholeNumber(0, 2 ** 32 - 1);
export const parseReadySeconds = wholeNumber(0, 86_400);

/** `12.5`, or `inf`. */
export function parseRequestRate(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  const rate = parseNumber(text);
  if (rate >= 0.001 && rate <= RATE_MAX) return rate;
  throw new InvalidArgumentError(
    `Write requests a second, from 0.001 to ${RATE_MAX.toLocaleString('en')}, or inf.`,
  );
}

export function parseRampRate(text: string): number {
  const rate = parseRequestRate(text);
  if (Number.isFinite(rate)) return rate;
  throw new InvalidArgumentError('A ramp goes from one number to another.');
}

export function parseBurstiness(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  const shape = parseNumber(text);
  if (shape >= 0.01 && shape <= 10_000) return shape;
  throw new InvalidArgumentError('Write 1 for Poisson, less for bursts, up to inf for even.');
}

/** A share of 1, not 1 itself: lengths vary, but not down to nothing. */
export function parseRangeRatio(text: string): number {
  const ratio = parseNumber(text);
  if (ratio >= 0 && ratio < 1) return ratio;
  throw new InvalidArgumentError('Write a number from 0 up to 1, such as 0.2.');
}

export function parseSpeedup(text: string): number {
  const speedup = parseNumber(text);
  if (speedup >= 0.001 && speedup <= 100_000) return speedup;
  throw new InvalidArgumentError('Write how many times as fast, such as 2 or 0.5.');
}

/** Milliseconds, a week at most; longer waits are typing errors, and timers cannot take them. */
export function parseBenchDuration(text: string): number {
  try {
    const durationMs = parseDuration(text);
    if (durationMs <= 7 * 86_400_000) return durationMs;
  } catch (cause) {
    if (!(cause instanceof BadValue)) throw cause;
    throw new InvalidArgumentError(`${cause.message}.`);
  }
  throw new InvalidArgumentError('A week is the most.');
}

/**
 * `name: value`, repeatable. Credentials have their own way in, which no process list shows. Throws
 * CliError, because commander quotes the whole argument behind its own errors.
 */
export function parseHeader(text: string, before: [string, string][] = []): [string, string][] {
  const [, name = '', value = ''] = HEADER.exec(text) ?? [];
  const lower = name.toLowerCase();
  if (name === '') throw new CliError("--header: write 'name: value'", EXIT.usage);
  if (SECRET_HEADERS.has(lower)) {
    throw new CliError(
      `--header ${lower}: everybody on this machine can read a process list`,
      EXIT.usage,
      'Put the key in LLMGATE_API_KEY or in a file for --api-key-file.',
    );
  }
  if (FIXED_HEADERS.has(lower)) {
    throw new CliError(`--header ${lower}: the generator writes it itself`, EXIT.usage);
  }
  return [...before, [lower, value]];
}

const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):\s*([\t\x20-\x7e]*)$/;
const SECRET_HEADERS = new Set(['authorization', 'x-api-key', 'api-key', 'cookie']);
const FIXED_HEADERS = new Set([
  ...['host', 'content-length', 'content-type', 'connection', 'transfer-encoding', 'keep-alive'],
  ...['proxy-connection', 'upgrade', 'expect', 'te', 'trailer', 'accept-encoding'],
]);

export function parseExtraBody(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>; // Checked on the line above.
  }
  throw new InvalidArgumentError(`Write a JSON object, such as '{"temperature":0}'.`);
}

export function parseGoodput(text: string, before?: Objectives): Objectives {
  return explained(() => parseObjective(text, before));
}

export function parseAssert(text: string, before: Assertion[] = []): Assertion[] {
  return [...before, explained(() => parseAssertion(text))];
}

/** `50,90,99.9`. */
export function parsePercentiles(text: string): number[] {
  const list = text.split(',').map((item) => parseNumber(item.trim()));
  if (list.length <= 20 && list.every((percent) => percent > 0 && percent < 100)) {
    return [...new Set(list)].toSorted((one, other) => one - other);
  }
  throw new InvalidArgumentError('Write percentiles above 0 and below 100: 50,90,99.9.');
}

/** Repeatable `k=v`. */
export function parseMetadata(
  text: string,
  before: Record<string, string> = {},
): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      `Write a whole number from ${least} to ${most.toLocaleString('en')}.`,
    );
  };
}

function parseNumber(text: string): number {
  return /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
}

function explained<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new InvalidArgumentError(cause instanceof Error ? cause.message : String(cause));
  }
}
