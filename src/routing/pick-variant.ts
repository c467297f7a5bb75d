import type { Variant } from './model-table.ts';

/**
 * The variant that a session falls into; null for the model's own targets. The same session always
 * falls into the same one, on every gateway and after every restart, and a share that grows keeps
 * the sessions that it had when it is the first of the model.
 */
export function pickVariant(
  variants: readonly Variant[],
  model: string,
  session: string,
): Variant | null {
  const at = toUnit(session, model);
  let upTo = 0;
  for (const variant of variants) {
    upTo += variant.share;
    if (at < upTo) return variant;
  }
  return null;
}

/**
 * FNV-1a over both, then the finalizer of MurmurHash3, as a number from 0 to below 1. Models have
 * draws of their own, or the same sessions would be the first of every canary.
 */
function toUnit(session: string, model: string): number {
  let hash = fnv(0x811c9dc5, model);
  hash = Math.imul(hash, 0x01000193);
  hash = fnv(hash, session);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) / 0x1_0000_0000;
}

function fnv(start: number, text: string): number {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash;
}
