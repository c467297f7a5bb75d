import type { MeasureStanding, RateStanding } from './standing.ts';

/** `x-ratelimit-*` of a reply, in the names and the notation that OpenAI clients read. */
export function rateHeaders(standing: RateStanding): [name: string, value: string][] {
  const headers: [string, string][] = [];
  addMeasure(headers, 'requests', standing.requests);
  addMeasure(headers, 'tokens', standing.tokens);
  return headers;
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

function addMeasure(
  headers: [string, string][],
  what: 'requests' | 'tokens',
  measure: MeasureStanding | null,
): void {
  if (measure === null) return;
  headers.push(
    [`x-ratelimit-limit-${what}`, String(measure.limit)],
    [`x-ratelimit-remaining-${what}`, String(measure.remaining)],
    [`x-ratelimit-reset-${what}`, renderGoDuration(measure.resetMs)],
  );
}
