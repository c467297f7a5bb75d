import { z } from 'zod';
import { FAULT_KINDS, type Fault, faultSchema } from './fault.ts';
import { createLatencyCurve, type LatencyCurve } from './latency-curve.ts';
import { USAGE_STYLES, type UsageStyle } from './usage-report.ts';

const count = z.int().min(0);
const milliseconds = z.number().min(0);

/**
 * How a request is answered, as it is written in the `x-mock` header, in scripts, in
 * `POST /mock/behaviour` and by tests: one language everywhere. All of it is optional.
 */
export const behaviourSchema = z.strictObject({
  ttft_ms: milliseconds.describe('Time to the first token.'),
  prefill_tps: milliseconds.describe(
    'Prompt tokens read per second, added to ttft_ms; 0 is at once.',
  ),
  tps: milliseconds.describe('Tokens per second of one stream after the first; 0 is at once.'),
  tokens_per_chunk: z.int().min(1),
  jitter: z.number().min(0).max(1).describe('Part of the gap between tokens that varies.'),
  latency_ms: z
    .strictObject({ p50: milliseconds, p90: milliseconds, p95: milliseconds, p99: milliseconds })
    .partial()
    .describe('Time to the first byte of the answer, instead of ttft_ms and tps before it.'),
  tokens: z.union([count, z.tuple([count, count])]).describe('Length of the answer, or its range.'),
  text: z.string().describe('The answer itself, in place of made-up words.'),
  prompt_tokens: count.describe('What the prompt counts as, whatever its length.'),
  cached_tokens: count,
  cache_write_tokens: count,
  audio_input_tokens: count,
  image_input_tokens: count,
  reasoning_tokens: count,
  audio_output_tokens: count,
  image_output_tokens: count,
  usage_style: z.enum(USAGE_STYLES),
  tool_calls: count.describe('How many calls a request with tools gets.'),
  early_head: z.boolean().describe('Send status and headers at once, not with the first token.'),
  headers: z.record(z.string(), z.string()).describe('Added to the reply.'),
  fail_rate: z.number().min(0).max(1),
  fail_status: z.int().min(400).max(599),
  fault: z.union([faultSchema, z.array(faultSchema)]),
});

const partialBehaviour = behaviourSchema.partial();

/** A behaviour with every key optional, in its JSON form. */
export type BehaviourInput = z.input<typeof partialBehaviour>;

/** How one request is answered, every setting known. */
export interface Behaviour {
  readonly ttftMs: number;
  readonly prefillTps: number;
  readonly tps: number;
  readonly tokensPerChunk: number;
  readonly jitter: number;
  /** null: the answer starts after `ttftMs`. */
  readonly latency: LatencyCurve | null;
  readonly tokens: readonly [low: number, high: number];
  readonly text: string | null;
  /** null: its words. */
  readonly promptTokens: number | null;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly audioInputTokens: number;
  readonly imageInputTokens: number;
  readonly reasoningTokens: number;
  readonly audioOutputTokens: number;
  readonly imageOutputTokens: number;
  readonly usageStyle: UsageStyle;
  readonly toolCalls: number;
  readonly earlyHead: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly failRate: number;
  readonly failStatus: number;
  readonly faults: readonly Fault[];
}

export const DEFAULT_BEHAVIOUR: Behaviour = {
  ttftMs: 0,
  prefillTps: 0,
  tps: 0,
  tokensPerChunk: 1,
  jitter: 0,
  latency: null,
  tokens: [16, 16],
  text: null,
  promptTokens: null,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  audioInputTokens: 0,
  imageInputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  usageStyle: 'openai',
  toolCalls: 1,
  earlyHead: false,
  headers: {},
  failRate: 0,
  failStatus: 500,
  faults: [],
};

/** What is wrong with a behaviour, in one line that names the key. */
export class BehaviourError extends Error {
  override readonly name = 'BehaviourError';
}

/** Applies JSON from outside on top of `base`. Throws `BehaviourError`. */
export function parseBehaviour(base: Behaviour, input: unknown): Behaviour {
  return applyBehaviour(base, checkJson(partialBehaviour, input));
}

/** The same from JSON text. */
export function parseBehaviourText(base: Behaviour, text: string): Behaviour {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new BehaviourError('not JSON');
  }
  return parseBehaviour(base, input);
}

export type ParsedBehaviour = z.output<typeof partialBehaviour>;

export function applyBehaviour(base: Behaviour, over: ParsedBehaviour): Behaviour {
  const { tokens, fault, latency_ms: latency } = over;
  return {
    ttftMs: over.ttft_ms ?? base.ttftMs,
    prefillTps: over.prefill_tps ?? base.prefillTps,
    tps: over.tps ?? base.tps,
    tokensPerChunk: over.tokens_per_chunk ?? base.tokensPerChunk,
    jitter: over.jitter ?? base.jitter,
    latency: latency !== undefined ? createLatencyCurve(latency) : keptLatency(base, over),
    tokens: tokens === undefined ? base.tokens : Array.isArray(tokens) ? tokens : [tokens, tokens],
    text: over.text ?? base.text,
    promptTokens: over.prompt_tokens ?? base.promptTokens,
    cachedTokens: over.cached_tokens ?? base.cachedTokens,
    cacheWriteTokens: over.cache_write_tokens ?? base.cacheWriteTokens,
    audioInputTokens: over.audio_input_tokens ?? base.audioInputTokens,
    imageInputTokens: over.image_input_tokens ?? base.imageInputTokens,
    reasoningTokens: over.reasoning_tokens ?? base.reasoningTokens,
    audioOutputTokens: over.audio_output_tokens ?? base.audioOutputTokens,
    imageOutputTokens: over.image_output_tokens ?? base.imageOutputTokens,
    usageStyle: over.usage_style ?? base.usageStyle,
    toolCalls: over.tool_calls ?? base.toolCalls,
    earlyHead: over.early_head ?? base.earlyHead,
    headers: over.headers === undefined ? base.headers : { ...base.headers, ...over.headers },
    failRate: over.fail_rate ?? base.failRate,
    failStatus: over.fail_status ?? base.failStatus,
    faults: fault === undefined ? base.faults : Array.isArray(fault) ? fault : [fault],
  };
}

/** A time to first token that was asked for explicitly beats a distribution from further away. */
function keptLatency(base: Behaviour, over: ParsedBehaviour): LatencyCurve | null {
  return over.ttft_ms === undefined ? base.latency : null;
}

/** Checks untrusted JSON against a schema. Throws `BehaviourError` with every problem named. */
export function checkJson<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new BehaviourError(result.error.issues.flatMap((issue) => describe(issue, [])).join('; '));
}

function describe(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The alternative that got furthest is the one that was meant.
    const depth = (branch: readonly z.core.$ZodIssue[]) =>
      Math.max(...branch.map((inner) => inner.path.length));
    const [meant = []] = issue.errors.toSorted((a, b) => depth(b) - depth(a));
    return meant.flatMap((inner) => describe(inner, path));
  }
  const isKind = issue.code === 'invalid_union' && issue.discriminator === 'kind';
  const message = isKind ? `no such kind; there are ${FAULT_KINDS.join(', ')}` : issue.message;
  return [path.length === 0 ? message : `${path.join('.')}: ${message}`];
}
