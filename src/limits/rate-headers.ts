import type { RateStanding } from './standing.ts';

/** Adds `x-ratelimit-*` to a reply, in the names and the notation that OpenAI clients read. */
export function addRateHeaders(headers: Record<string, string>, standing: RateStanding): void {
  const { requests, tokens } = standing;
  if (requests !== null) {
    headers['x-ratelimit-limit-requests'] = String(requests.limit);
    headers['x-ratelimit-remaining-requests'] = String(requests.remaining);
    headers['x-ratelimit-reset-requests'] = renderGoDuration(requests.resetMs);
  }
  if (tokens !== null) {
    headers['x-ratelimit-limit-tokens'] = String(tokens.limit);
    headers['x-ratelimit-remaining-tokens'] = String(tokens.remaining);
    headers['x-ratelimit-reset-tokens'] = renderGoDuration(tokens.resetMs);
  }
}

/** A duration as Go writes it: `0s`, `20ms`, `1.5s`, `6m0s`, `1h0m0s`. Rounded up to a millisecond. */
export function renderGoDuration(durationMs: number): string {
  const wholeMs = Math.ceil(durationMs);
  if (wholeMs <= 0) return '0s';
  if (wholeMs < 1_000) return `${wholeMs}ms`;
  const minutes = Math.floor(wholeMs / 60_000);
  const seconds = (wholeMs % 60_000) / 1_000;
  if (minutes === 0) return `${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds}s` : `${hours}h${minutes % 60}m${seconds}s`;
}
