import type { Usage } from '../core/usage.ts';

/** The columns of a `Usage`, in the order in which every table and every array of numbers has them. */
export const USAGE_COLUMNS = [
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'audio_input_tokens',
  'image_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'audio_output_tokens',
  'image_output_tokens',
] as const;

/** A row with those columns, or some of its own besides. */
export type UsageColumns = { readonly [Column in (typeof USAGE_COLUMNS)[number]]: number };

export function fromUsageColumns(row: UsageColumns): Usage {
  return {
    inputTokens: row.input_tokens,
    cachedInputTokens: row.cached_input_tokens,
    cacheWriteTokens: row.cache_write_tokens,
    audioInputTokens: row.audio_input_tokens,
    imageInputTokens: row.image_input_tokens,
    outputTokens: row.output_tokens,
    reasoningTokens: row.reasoning_tokens,
    audioOutputTokens: row.audio_output_tokens,
    imageOutputTokens: row.image_output_tokens,
  };
}

/** The usage of a request in flight, as `open_requests.usage` keeps it: nine numbers in JSON. */
export function toUsageText(usage: Usage): string {
  return `[${usage.inputTokens},${usage.cachedInputTokens},${usage.cacheWriteTokens},${usage.audioInputTokens},${usage.imageInputTokens},${usage.outputTokens},${usage.reasoningTokens},${usage.audioOutputTokens},${usage.imageOutputTokens}]`;
}

/** Expects a text that `toUsageText` made. */
export function fromUsageText(text: string): Usage {
  const numbers: number[] = JSON.parse(text);
  const at = (index: number) => numbers[index] ?? 0;
  return {
    inputTokens: at(0),
    cachedInputTokens: at(1),
    cacheWriteTokens: at(2),
    audioInputTokens: at(3),
    imageInputTokens: at(4),
    outputTokens: at(5),
    reasoningTokens: at(6),
    audioOutputTokens: at(7),
    imageOutputTokens: at(8),
  };
}
