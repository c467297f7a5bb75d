/**
 * What went wrong with a model, so that another is asked instead: nothing could answer, everything
 * is limiting, the input is too long, the content was refused, the money is gone.
 */
export const FALLBACK_CAUSES = [
  'unavailable',
  'rate_limited',
  'context',
  'refused',
  'budget',
] as const;
export type FallbackCause = (typeof FALLBACK_CAUSES)[number];
