import type { Usage } from '../core/usage.ts';

/** What the gateway knows about a request by itself. */
export interface UsageBounds {
  readonly inputTokensEstimate: number;
  /** Context of the model; null when nobody has stated it. */
  readonly contextTokens: number | null;
  /** Answers asked for (`n`); each may fill the context. 1 when left out. */
  readonly choices?: number;
}

export interface SaneUsage {
  readonly usage: Usage;
  /** True when a number was impossible. Such usage is booked as `counted`, so it gets flagged. */
  readonly clamped: boolean;
}

/** Bound for a model whose context is unknown: ten times the longest context in use today. */
const MAX_TOKENS = 10_000_000;

/** Backends count differently from their stated context; twice of it is beyond any of that. */
const CONTEXT_SLACK = 2;

/** An estimate from bytes may be this much too low; one request may also carry many inputs. */
const ESTIMATE_SLACK = 8;

/**
 * Usage as a backend reported it, made safe to book: numbers from a backend are untrusted. Input
 * that cannot be is replaced by our own estimate; output is cut to what the context can hold.
 */
export function saneUsage(reported: Usage, bounds: UsageBounds): SaneUsage {
  const { inputTokensEstimate: estimate, contextTokens, choices = 1 } = bounds;
  const room = contextTokens === null ? MAX_TOKENS : contextTokens * CONTEXT_SLACK;
  const { inputTokens: input, outputTokens: output } = reported;

  const inputOk = isCount(input) && input <= Math.max(room, estimate * ESTIMATE_SLACK);
  const inputTokens = inputOk ? input : estimate;
  const outputTokens = within(output, room * choices);
  const cachedInputTokens = within(reported.cachedInputTokens, inputTokens);
  const reasoningTokens = within(reported.reasoningTokens, outputTokens);
  const clamped =
    !inputOk ||
    outputTokens !== output ||
    cachedInputTokens !== reported.cachedInputTokens ||
    reasoningTokens !== reported.reasoningTokens;
  if (!clamped) return { usage: reported, clamped };
  return { usage: { inputTokens, cachedInputTokens, outputTokens, reasoningTokens }, clamped };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** `value` cut to 0…most; what is no count at all becomes 0. */
function within(value: number, most: number): number {
  if (value > most) return most;
  return isCount(value) ? value : 0;
}
