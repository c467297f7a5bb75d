import type { Model } from '../routing/model-table.ts';
import type { Call } from './read.ts';

/** Assumed per choice when neither request, model nor context bounds the output. */
const UNBOUNDED_OUTPUT_TOKENS = 16_384;

/** The most output tokens one choice may have: the tightest bound that anybody has stated. */
export function outputBound(model: Model, call: Call): number {
  const asked = call.shape.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const allowed = model.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const left =
    model.contextTokens === null
      ? Number.POSITIVE_INFINITY
      : Math.max(0, model.contextTokens - call.shape.inputTokens);
  const bound = Math.min(asked, allowed, left);
  return Number.isFinite(bound) ? bound : UNBOUNDED_OUTPUT_TOKENS;
}
