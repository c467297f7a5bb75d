import type { UsageFault } from './fault.ts';

/** The exact counts behind an answer. */
export interface TokenCounts {
  readonly prompt: number;
  /** A part of `prompt`. */
  readonly cached: number;
  /** Over all choices, reasoning included. */
  readonly completion: number;
  /** A part of `completion`. */
  readonly reasoning: number;
}

/** OpenAI's usage object of chat and completions, as JSON text. undefined when it is left out. */
export function renderChatUsage(counts: TokenCounts, fault: UsageFault | null): string | undefined {
  return renderUsage(
    {
      prompt_tokens: counts.prompt,
      completion_tokens: counts.completion,
      total_tokens: counts.prompt + counts.completion,
      prompt_tokens_details: { cached_tokens: counts.cached },
      completion_tokens_details: { reasoning_tokens: counts.reasoning },
    },
    fault,
  );
}

/** A usage object of any protocol with its numbers made wrong, as JSON text. */
export function renderUsage(usage: object, fault: UsageFault | null): string | undefined {
  switch (fault) {
    case 'missing':
      return undefined;
    case 'negative':
      return mapNumbers(usage, (count) => -count - 1);
    case 'huge':
      return mapNumbers(usage, (count) => (count + 1) * 1e9);
    case 'fractional':
      return mapNumbers(usage, (count) => count + 0.5);
    case 'string':
      return mapNumbers(usage, String);
    case 'zero':
      return mapNumbers(usage, () => 0);
    default:
      return JSON.stringify(usage);
  }
}

function mapNumbers(usage: object, change: (count: number) => unknown): string {
  return JSON.stringify(usage, (_key, value) =>
    typeof value === 'number' ? change(value) : value,
  );
}
