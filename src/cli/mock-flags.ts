import { InvalidArgumentError } from 'commander';
import { BadValue } from '../config/bad-value.ts';
import { parseListenAddress } from '../config/listen-address.ts';
import { parseDuration } from '../config/units.ts';
import type { BehaviourInput } from '../mock/behaviour.ts';

/** The flags of `llmgate mock` after commander has parsed each of them. */
export interface MockFlags {
  readonly listen: { readonly hostname: string; readonly port: number };
  readonly model?: string[];
  readonly anyModel?: true;
  readonly ttft?: number;
  readonly prefill?: number;
  readonly tps?: number;
  readonly tokens?: [number, number];
  readonly tokensPerChunk?: number;
  readonly jitter?: number;
  readonly latency?: NonNullable<BehaviourInput['latency_ms']>;
  readonly fail?: number;
  readonly failStatus?: number;
  readonly set?: BehaviourInput;
  readonly maxConcurrent?: number;
  readonly maxQueued?: number;
  readonly context?: number;
  readonly apiKey?: string;
  readonly seed?: number;
  readonly logRequests?: number;
  readonly script?: string;
}

/** The behaviour that the flags mean. `--set` is applied first, so that a flag of its own wins. */
export function toBehaviour(flags: MockFlags): BehaviourInput {
  const named = {
    ttft_ms: flags.ttft,
    prefill_tps: flags.prefill,
    tps: flags.tps,
    tokens: flags.tokens,
    tokens_per_chunk: flags.tokensPerChunk,
    jitter: flags.jitter,
    latency_ms: flags.latency,
    fail_rate: flags.fail,
    fail_status: flags.failStatus,
  };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return { ...flags.set, ...Object.fromEntries(given) };
}

export function parseAddress(text: string): MockFlags['listen'] {
  return explained(() => parseListenAddress(text));
}

/** A duration in milliseconds; plain 0 is allowed, because "at once" is the usual wish here. */
export function parseDelay(text: string): number {
  return /^0[a-z]*$/.test(text) ? 0 : explained(() => parseDuration(text));
}

/** `80%` or `0.8` as 0.8. */
export function parseShare(text: string): number {
  const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = Number(digits) / (percent === '%' ? 100 : 1);
  if (share >= 0 && share <= 1) return share;
  throw new InvalidArgumentError('Write a percentage, such as 10%.');
}

export function parsePositive(text: string): number {
  const value = parseNatural(text);
  if (value >= 1) return value;
  throw new InvalidArgumentError('Write a whole number from 1.');
}

export function parseNatural(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number from 0.');
}

/** Tokens per second: a number, which may have a fraction; 0 is as fast as it goes. */
export function parseSpeed(text: string): number {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a number, such as 50.');
}

/** `20` or `10-200`. */
export function parseLength(text: string): [number, number] {
  const [, low, high = low] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? [];
  // Not a number when the text is neither: then the comparison fails too.
  if (Number(low) <= Number(high)) return [Number(low), Number(high)];
  throw new InvalidArgumentError('Write a number or a range, such as 10-200.');
}

/** `p50=200ms,p99=2s`. */
export function parseLatency(text: string): NonNullable<MockFlags['latency']> {
  const latency: Record<string, number> = {};
  let before = 0;
  for (const part of text.split(',')) {
    const [, name, duration] = /^(p50|p90|p95|p99)=(.+)$/.exec(part.trim()) ?? [];
    if (name === undefined || duration === undefined) {
      throw new InvalidArgumentError('Write percentiles, such as p50=200ms,p99=2s.');
    }
    const delayMs = parseDelay(duration);
    if (delayMs < before || latency[name] !== undefined) {
      throw new InvalidArgumentError('Percentiles must rise: p50, p90, p95, p99.');
    }
    latency[name] = delayMs;
    before = delayMs;
  }
  return latency;
}

export function parseModels(text: string, before: string[] = []): string[] {
  if (text === '') throw new InvalidArgumentError('A model needs a name.');
  return [...before, text];
}

export function parseStatus(text: string): number {
  const status = parseNatural(text);
  if (status >= 400 && status <= 599) return status;
  throw new InvalidArgumentError('Write an HTTP status from 400 to 599.');
}

/** JSON text; what is in it is checked where it is used. */
export function parseJson(text: string): BehaviourInput {
  try {
    return JSON.parse(text) as BehaviourInput;
  } catch {
    throw new InvalidArgumentError('That is not JSON.');
  }
}

function explained<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof BadValue)) throw cause;
    throw new InvalidArgumentError(`${cause.message}.`);
  }
}
