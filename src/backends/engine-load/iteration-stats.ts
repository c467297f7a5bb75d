import type { EngineLoad } from '../../routing/replica.ts';

/**
 * What TensorRT-LLM's own `/metrics` says: JSON, one object for each iteration of the engine since
 * the page was last asked for, the newest last. Null when it is something else.
 */
export function readIterationStats(text: string): EngineLoad | null {
  let stats: unknown;
  try {
    stats = JSON.parse(text);
  } catch {
    return null;
  }
  // An engine without work makes no iterations, so an empty list is news: it has no load.
  if (Array.isArray(stats) && stats.length === 0) return { running: 0, waiting: 0, kvUsed: null };
  const newest: unknown = Array.isArray(stats) ? stats.at(-1) : stats;
  const running = countOf(newest, 'numActiveRequests');
  const waiting = countOf(newest, 'numQueuedRequests');
  if (running === null && waiting === null) return null;
  return { running: running ?? 0, waiting: waiting ?? 0, kvUsed: readKvUsed(newest) };
}

function readKvUsed(stats: unknown): number | null {
  const cache = fieldOf(stats, 'kvCacheStats');
  const used = countOf(cache, 'usedNumBlocks');
  const free = countOf(cache, 'freeNumBlocks');
  const most = countOf(cache, 'maxNumBlocks') ?? (used === null || free === null ? 0 : used + free);
  return used === null || most === 0 ? null : Math.min(1, used / most);
}

function countOf(value: unknown, name: string): number | null {
  const count = fieldOf(value, name);
  return typeof count === 'number' && Number.isFinite(count) && count >= 0 ? count : null;
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}
