import type { Usage } from '../core/usage.ts';
import { isObject } from './call-fields.ts';
import { type Members, USAGE_CONVENTIONS, type UsageConvention } from './usage-conventions.ts';

/**
 * Usage as a backend stated it, converted to disjoint parts, but not believed yet: a figure that
 * is no count stands here as NaN, and any may be absurd.
 */
export interface ReportedUsage {
  readonly usage: Usage;
  /** False when a figure is no count, or when sums that must hold do not. */
  readonly isSound: boolean;
}

/** Chat, completions, embeddings. */
export function fromChatUsage(raw: unknown): ReportedUsage | null {
  return readUsage(raw, USAGE_CONVENTIONS.chat);
}

/** Responses and transcriptions. */
export function fromResponsesUsage(raw: unknown): ReportedUsage | null {
  return readUsage(raw, USAGE_CONVENTIONS.responses);
}

export function fromAnthropicUsage(raw: unknown): ReportedUsage | null {
  return readUsage(raw, USAGE_CONVENTIONS.messages);
}

/**
 * For endpoints whose imitations use either set of names: that of chat, or `convention`. Rerankers
 * report a total alone, and all of it is input.
 */
export function fromAnyUsage(
  raw: unknown,
  convention: UsageConvention = USAGE_CONVENTIONS.responses,
): ReportedUsage | null {
  if (!isObject(raw)) return null;
  return readUsage(raw, raw['input_tokens'] === undefined ? USAGE_CONVENTIONS.chat : convention);
}

/** What a stream has reported up to now: nonsense replaces nothing, but is not forgotten. */
export function laterUsage(
  known: ReportedUsage | null,
  next: ReportedUsage | null,
): ReportedUsage | null {
  if (next === null || known === null) return next ?? known;
  const { inputTokens, outputTokens } = next.usage;
  const isReadable = !Number.isNaN(inputTokens) && !Number.isNaN(outputTokens);
  return isReadable ? next : { usage: known.usage, isSound: false };
}

type Raw = Readonly<Record<string, unknown>>;

/** null when nothing usable is stated: no object, no input and no total. */
export function readUsage(raw: unknown, convention: UsageConvention): ReportedUsage | null {
  if (!isObject(raw)) return null;
  const input = readInput(raw, convention);
  if (input === null) return null;
  const { inputTokens } = input;
  const output = readOutput(raw, inputTokens, convention);
  const { outputTokens } = output;
  // Spelt out: some engines state usage with every token of a stream, and spreads are slow.
  const usage = {
    inputTokens,
    cachedInputTokens: input.cachedInputTokens,
    cacheWriteTokens: input.cacheWriteTokens,
    audioInputTokens: input.audioInputTokens,
    imageInputTokens: input.imageInputTokens,
    outputTokens,
    reasoningTokens: output.reasoningTokens,
    audioOutputTokens: output.audioOutputTokens,
    imageOutputTokens: output.imageOutputTokens,
  };
  return { usage, isSound: input.isSound && output.isSound };
}

function readInput(raw: Raw, convention: UsageConvention) {
  const cachedInputTokens = count(raw, convention.cachedInput) ?? 0;
  let byLife = 0;
  for (const members of convention.cacheWriteByLife) byLife += count(raw, members) ?? 0;
  const cacheWriteTokens = count(raw, convention.cacheWrite) ?? byLife;
  const cacheTokens = cachedInputTokens + cacheWriteTokens;
  const hasOutput = count(raw, convention.output) !== undefined;
  let inputTokens = count(raw, convention.input);
  if (inputTokens === undefined && !hasOutput) inputTokens = count(raw, convention.total);
  if (inputTokens === undefined && (convention.inputIncludesCache || cacheTokens === 0))
    return null;
  inputTokens ??= 0;
  if (!convention.inputIncludesCache) inputTokens += cacheTokens;

  // Sound and pictures may have come from the cache; such a token is counted once, as cached.
  const heard = count(raw, convention.audioInput) ?? 0;
  const seen = count(raw, convention.imageInput) ?? 0;
  const missed = count(raw, convention.cacheMiss) ?? inputTokens - cachedInputTokens;
  const isSound =
    isCount(inputTokens) &&
    cacheTokens <= inputTokens &&
    heard <= inputTokens &&
    seen <= inputTokens &&
    missed + cachedInputTokens === inputTokens &&
    (byLife === 0 || byLife === cacheWriteTokens);
  const audioInputTokens = atMost(heard, inputTokens - cacheTokens);
  const imageInputTokens = atMost(seen, inputTokens - cacheTokens - audioInputTokens);
  return {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    audioInputTokens,
    imageInputTokens,
    isSound,
  };
}

function readOutput(raw: Raw, inputTokens: number, convention: UsageConvention) {
  const stated = count(raw, convention.output);
  const statedReasoning = count(raw, convention.reasoning);
  const total = count(raw, convention.total);
  let outputTokens = stated ?? 0;
  let reasoningTokens = statedReasoning ?? 0;
  let isSound = true;
  const rest = total === undefined ? 0 : total - inputTokens - outputTokens;
  if (rest !== 0) {
    const mayBeReasoning = convention.outputMayLackReasoning && stated !== undefined && rest > 0;
    if (mayBeReasoning && rest === (statedReasoning ?? rest)) {
      outputTokens += rest;
      reasoningTokens = rest;
    } else {
      isSound = false;
    }
  }
  let spoken = count(raw, convention.audioOutput);
  let drawn = count(raw, convention.imageOutput);
  const isPlain = spoken === undefined && drawn === undefined;
  if (isPlain && convention.plainOutput === 'audio') spoken = outputTokens;
  if (isPlain && convention.plainOutput === 'image') drawn = outputTokens;
  spoken ??= 0;
  drawn ??= 0;
  isSound &&= isCount(outputTokens) && reasoningTokens + spoken + drawn <= outputTokens;
  return {
    outputTokens,
    reasoningTokens,
    audioOutputTokens: spoken,
    imageOutputTokens: drawn,
    isSound,
  };
}

/** The first of the members that is stated: `undefined` when none is, NaN when it is no count. */
function count(raw: Raw, members: Members): number | undefined {
  for (const [first = '', second] of members) {
    let value = raw[first];
    if (second !== undefined) value = isObject(value) ? value[second] : undefined;
    if (value !== undefined && value !== null) return isCount(value) ? value : Number.NaN;
  }
  return undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** `value` cut to `most`; left alone where that is NaN. */
function atMost(value: number, most: number): number {
  return value > most ? Math.max(0, most) : value;
}
