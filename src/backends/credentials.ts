/** A key that was refused is dead: revoked, unpaid or not permitted. It may be put right meanwhile. */
const DEAD_MS = 600_000;
const LIMITED_DEFAULT_MS = 30_000;
/** A vendor's wait for one key is believed up to this. */
const LIMITED_MAX_MS = 600_000;

/** The keys of one backend, one used at a time, and which of them are refused for now. */
export interface Credentials {
  readonly keys: readonly string[];
  /**
   * Index of the key to use; -1 when there are none. When all are refused it is the one whose time
   * ends first: the backend may have changed its mind, and its own words are the best answer.
   */
  current(nowMs: number): number;
  /**
   * The backend refused a request because of its key. Ignored for statuses that say nothing of
   * keys. True when another key, or this one again, can be used now.
   */
  refused(index: number, status: number, nowMs: number, retryAfterMs?: number): boolean;
  /** How many are not refused now. */
  usable(nowMs: number): number;
}

/**
 * `previous`: what was known before a reload, which stays when the keys are the same. Times are on
 * the monotonic clock.
 */
export function createCredentials(keys: readonly string[], previous?: Credentials): Credentials {
  if (previous !== undefined && isEqual(keys, previous.keys)) return previous;
  const refusedUntilMs = keys.map(() => Number.NEGATIVE_INFINITY);
  let at = 0;

  const isUsable = (index: number, nowMs: number) => (refusedUntilMs[index] ?? 0) <= nowMs;

  /** The next usable one, in turn from `first`; the one that is usable first when there is none. */
  function choose(first: number, nowMs: number): number {
    let best = first % keys.length;
    for (let step = 0; step < keys.length; step++) {
      const index = (first + step) % keys.length;
      if (isUsable(index, nowMs)) return index;
      if ((refusedUntilMs[index] ?? 0) < (refusedUntilMs[best] ?? 0)) best = index;
    }
    return best;
  }

  return {
    keys,
    current(nowMs) {
      if (keys.length <= 1) return keys.length - 1;
      if (!isUsable(at, nowMs)) at = choose(at, nowMs);
      return at;
    },
    refused(index, status, nowMs, retryAfterMs) {
      if (index < 0 || index >= keys.length) return false;
      const durationMs = refusalMs(status, retryAfterMs);
      if (durationMs === null) return false;
      refusedUntilMs[index] = Math.max(refusedUntilMs[index] ?? 0, nowMs + durationMs);
      // A late refusal of a key that is no longer in use moves nothing.
      at = choose(index === at ? index + 1 : at, nowMs);
      return isUsable(at, nowMs);
    },
    usable: (nowMs) => keys.filter((_key, index) => isUsable(index, nowMs)).length,
  };
}

/** How long a key is left alone after this status; null when it says nothing of the key. */
function refusalMs(status: number, retryAfterMs = LIMITED_DEFAULT_MS): number | null {
  if (status === 429) return Math.min(Math.max(0, retryAfterMs), LIMITED_MAX_MS);
  return status === 401 || status === 402 || status === 403 ? DEAD_MS : null;
}

function isEqual(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((key, at) => key === right[at]);
}
