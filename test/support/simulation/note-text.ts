import type { Usage } from '../../../src/core/usage.ts';

/** What `open_requests.usage` says: input and its parts, output and its parts. */
export function toUsage(json: string | null): Usage | null {
  if (json === null) return null;
  const [input = 0, cached = 0, written = 0, heard = 0, seen = 0, ...output] = JSON.parse(
    json,
  ) as number[];
  return {
    inputTokens: input,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    audioInputTokens: heard,
    imageInputTokens: seen,
    outputTokens: output[0] ?? 0,
    reasoningTokens: output[1] ?? 0,
    audioOutputTokens: output[2] ?? 0,
    imageOutputTokens: output[3] ?? 0,
  };
}
