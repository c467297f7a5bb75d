import type { UsageFault } from './fault.ts';
import type { TokenCounts } from './token-counts.ts';

/** In whose imitation of it OpenAI's usage object is written. */
export const USAGE_STYLES = ['openai', 'deepseek', 'gemini'] as const;
export type UsageStyle = (typeof USAGE_STYLES)[number];

/** OpenAI's usage object of chat and completions, as JSON text. undefined when it is left out. */
export function renderChatUsage(
  counts: TokenCounts,
  style: UsageStyle,
  fault: UsageFault | null,
): string | undefined {
  return renderUsage(toChatUsage(counts, style), fault);
}

function toChatUsage(counts: TokenCounts, style: UsageStyle): object {
  const { prompt, cached, completion, reasoning } = counts;
  const total_tokens = prompt + completion;
  const prompt_tokens_details = { cached_tokens: cached, ...promptDetails(counts) };
  if (style === 'gemini') {
    // What was thought is in the total alone.
    const completion_tokens = completion - reasoning;
    return { prompt_tokens: prompt, completion_tokens, total_tokens, prompt_tokens_details };
  }
  const completion_tokens_details = { reasoning_tokens: reasoning, ...outputDetails(counts) };
  const totals = { prompt_tokens: prompt, completion_tokens: completion, total_tokens };
  if (style === 'deepseek') {
    const misses = { prompt_cache_miss_tokens: prompt - cached };
    const details = { prompt_tokens_details: promptDetails(counts), completion_tokens_details };
    return { ...totals, prompt_cache_hit_tokens: cached, ...misses, ...details };
  }
  return { ...totals, prompt_tokens_details, completion_tokens_details };
}

/** The parts of a prompt that were not read from the cache, where there are any. */
export function promptDetails({ cacheWrite, audioInput, imageInput }: TokenCounts): object {
  return {
    ...stated('cache_write_tokens', cacheWrite),
    ...stated('audio_tokens', audioInput),
    ...stated('image_tokens', imageInput),
  };
}

/** The parts of an answer that are no text, where there are any. */
export function outputDetails({ audioOutput, imageOutput }: TokenCounts): object {
  return { ...stated('audio_tokens', audioOutput), ...stated('image_tokens', imageOutput) };
}

function stated(name: string, count: number): object {
  return count === 0 ? {} : { [name]: count };
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
    case 'unsafe':
      return mapNumbers(usage, (count) => (count + 1) * 2 ** 53);
    case 'infinite':
      return mapNumbers(usage, () => '1e400').replaceAll('"1e400"', '1e400');
    case 'fractional':
      return mapNumbers(usage, (count) => count + 0.5);
    case 'string':
      return mapNumbers(usage, String);
    case 'zero':
      return mapNumbers(usage, () => 0);
    case 'inconsistent':
      return mapNumbers(usage, (count, name) => (SUMS.has(name) ? count + 1 : count));
    case 'parts':
      return mapNumbers(usage, (count, name) => (PARTS.has(name) ? count + 1_000_000 : count));
    default:
      return JSON.stringify(usage);
  }
}

/** Of an exact sum, what can be changed without changing what it is the sum of. */
const SUMS = new Set(['total_tokens', 'prompt_cache_miss_tokens', 'ephemeral_5m_input_tokens']);
const PARTS = new Set([
  ...['cached_tokens', 'cache_write_tokens', 'audio_tokens', 'image_tokens', 'reasoning_tokens'],
  ...['prompt_cache_hit_tokens', 'thinking_tokens'],
]);

function mapNumbers(usage: object, change: (count: number, name: string) => unknown): string {
  return JSON.stringify(usage, (name, value) =>
    typeof value === 'number' ? change(value, name) : value,
  );
}
