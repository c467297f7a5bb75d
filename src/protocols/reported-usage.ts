import type { Usage } from '../core/usage.ts';
import { isObject } from './call-fields.ts';

type Raw = Readonly<Record<string, unknown>>;

/**
 * Usage as OpenAI's chat, completions and embeddings report it: `prompt_tokens` includes the cached
 * ones, `completion_tokens` the reasoning ones. null when anything in it cannot be a count.
 */
export function fromChatUsage(raw: unknown): Usage | null {
  if (!isObject(raw)) return null;
  const cached =
    isObject(raw['prompt_tokens_details']) || raw['prompt_cache_hit_tokens'] === undefined
      ? detail(raw['prompt_tokens_details'], 'cached_tokens')
      : count(raw['prompt_cache_hit_tokens']);
  return build({
    input: count(raw['prompt_tokens']),
    cached,
    output: count(raw['completion_tokens']),
    reasoning: detail(raw['completion_tokens_details'], 'reasoning_tokens'),
    total: count(raw['total_tokens']),
  });
}

/** Usage as OpenAI's Responses, images and audio report it, with the same meaning. */
export function fromResponsesUsage(raw: unknown): Usage | null {
  if (!isObject(raw)) return null;
  return build({
    input: count(raw['input_tokens']),
    cached: detail(raw['input_tokens_details'], 'cached_tokens'),
    output: count(raw['output_tokens']),
    reasoning: detail(raw['output_tokens_details'], 'reasoning_tokens'),
    total: count(raw['total_tokens']),
  });
}

/** Whichever of the two shapes it has. */
export function fromAnyUsage(raw: unknown): Usage | null {
  if (!isObject(raw)) return null;
  return raw['input_tokens'] === undefined ? fromChatUsage(raw) : fromResponsesUsage(raw);
}

/**
 * Usage as Anthropic reports it: `input_tokens` leaves out what was read from or written to the
 * cache, so the three are added up.
 */
export function fromAnthropicUsage(raw: unknown): Usage | null {
  if (!isObject(raw)) return null;
  const fresh = count(raw['input_tokens']);
  const written = count(raw['cache_creation_input_tokens']);
  const read = count(raw['cache_read_input_tokens']);
  if (fresh === 'bad' || written === 'bad' || read === 'bad') return null;
  const parts = [fresh, written, read].filter((part) => part !== 'none');
  return build({
    input: parts.length === 0 ? 'none' : parts.reduce((sum, part) => sum + part, 0),
    cached: read,
    output: count(raw['output_tokens']),
    reasoning: detail(raw['output_tokens_details'], 'thinking_tokens'),
    total: 'none',
  });
}

/** A count from a backend: untrusted. `none` when absent or null, `bad` when it is no count. */
type Count = number | 'none' | 'bad';

function count(value: unknown): Count {
  if (value === undefined || value === null) return 'none';
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 'bad';
}

function detail(details: unknown, name: string): Count {
  return isObject(details) ? count((details as Raw)[name]) : 'none';
}

interface Counts {
  readonly input: Count;
  readonly cached: Count;
  readonly output: Count;
  readonly reasoning: Count;
  readonly total: Count;
}

function build({ input, cached, output, reasoning, total }: Counts): Usage | null {
  if (input === 'bad' || cached === 'bad' || output === 'bad') return null;
  if (reasoning === 'bad' || total === 'bad') return null;
  // Rerankers report a total alone, and all of it is input.
  const inputTokens = input === 'none' ? (output === 'none' ? total : 'none') : input;
  if (inputTokens === 'none' || !Number.isSafeInteger(inputTokens)) return null;
  const reasoningTokens = reasoning === 'none' ? 0 : reasoning;
  let outputTokens = output === 'none' ? 0 : output;
  // Some vendors leave reasoning out of the completion; their total gives it away.
  if (reasoningTokens > 0 && total === inputTokens + outputTokens + reasoningTokens) {
    outputTokens += reasoningTokens;
  }
  return {
    inputTokens,
    cachedInputTokens: Math.min(cached === 'none' ? 0 : cached, inputTokens),
    outputTokens,
    reasoningTokens: Math.min(reasoningTokens, outputTokens),
  };
}
