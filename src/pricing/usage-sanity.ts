import type { Usage } from '../core/usage.ts';

/** What the gateway knows about a request by itself. */
export interface UsageBounds {
  readonly inputTokensEstimate: number;
  /** What llmgate counted in the answer. */
  readonly outputTokensCounted: number;
  /** Context of the model; null when nobody has stated it. */
  readonly contextTokens: number | null;
  /** Answers asked for (`n`); each may fill the context. 1 when left out. */
  readonly choices?: number;
}

export interface SaneUsage {
  readonly usage: Usage;
  /** True when a number was impossible. Such usage is booked as `clamped`, so it gets flagged. */
  readonly clamped: boolean;
}

/** What nobody is believed, for a model of unknown context: ten times the longest in use today. */
const ABSURD_TOKENS = 10_000_000;

/** Backends count differently from their stated context; twice of it is beyond any of that. */
const CONTEXT_SLACK = 2;

/** An estimate from bytes may be this much too low; one request may also carry many inputs. */
const ESTIMATE_SLACK = 8;

/**
 * Usage as a backend reported it, made safe to book: numbers from a backend are untrusted. Input
 * that cannot be is replaced by our own estimate. Output is cut to what the context can hold, or
 * replaced by our own count where it is no number or no context is known. Parts are cut to what
 * is left of their whole, so that they stay disjoint.
 */
export function saneUsage(reported: Usage, bounds: UsageBounds): SaneUsage {
  const inputTokens = saneInput(reported.inputTokens, bounds);
  const outputTokens = saneOutput(reported.outputTokens, bounds);
  let left = inputTokens;
  const cachedInputTokens = within(reported.cachedInputTokens, left);
  left -= cachedInputTokens;
  const cacheWriteTokens = within(reported.cacheWriteTokens, left);
  left -= cacheWriteTokens;
  const audioInputTokens = within(reported.audioInputTokens, left);
  left -= audioInputTokens;
  const imageInputTokens = within(reported.imageInputTokens, left);
  left = outputTokens;
  const reasoningTokens = within(reported.reasoningTokens, left);
  left -= reasoningTokens;
  const audioOutputTokens = within(reported.audioOutputTokens, left);
  left -= audioOutputTokens;
  const imageOutputTokens = within(reported.imageOutputTokens, left);
  const usage: Usage = {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    audioInputTokens,
    imageInputTokens,
    outputTokens,
    reasoningTokens,
    audioOutputTokens,
    imageOutputTokens,
  };
  for (const name in usage) {
    if (usage[name as keyof Usage] !== reported[name as keyof Usage]) {
      return { usage, clamped: true };
    }
  }
  return { usage: reported, clamped: false };
}

function saneInput(value: number, bounds: UsageBounds): number {
  const { inputTokensEstimate: estimate, contextTokens } = bounds;
  const room = contextTokens === null ? ABSURD_TOKENS : contextTokens * CONTEXT_SLACK;
  return isCount(value) && value <= Math.max(room, estimate * ESTIMATE_SLACK) ? value : estimate;
}

function saneOutput(value: number, bounds: UsageBounds): number {
  const { outputTokensCounted: counted, contextTokens, choices = 1 } = bounds;
  if (contextTokens === null) {
    return isCount(value) && value <= ABSURD_TOKENS * choices ? value : counted;
  }
  const room = contextTokens * CONTEXT_SLACK * choices;
  if (value > room) return room;
  return isCount(value) ? value : Math.min(counted, room);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** `value` cut to 0…most; what is no count at all becomes 0. */
function within(value: number, most: number): number {
  if (value > most) return most;
  return isCount(value) ? value : 0;
}
