/** What the trail keeps of requests without a valid key: sums, because one flood must not fill it. */
export interface FailedLoginSummary {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly count: number;
  readonly byReason: Readonly<Record<string, number>>;
  /** The first five of each; `moreAddresses` when there were others. */
  readonly addresses: readonly string[];
  readonly moreAddresses: boolean;
  readonly keyIds: readonly string[];
  readonly moreKeyIds: boolean;
}

export interface FailedLogins {
  /** Cheap enough to be called for every refused request. Never throws. */
  note(reason: string, address: string | null, keyId: string | null): void;
  /** Records what is there when a minute has passed since the last time. Call it every few seconds. */
  flushIfDue(): void;
  /** Records what is there. */
  flush(): void;
}

export interface FailedLoginsOptions {
  readonly nowMs: () => number;
  /** Writes one event. When that fails it returns false: the sums are kept for a later one. */
  readonly record: (summary: FailedLoginSummary) => boolean;
}

const EVERY_MS = 60_000;
const NAMED_MAX = 5;
/** Reasons are codes of ours, so this is never reached; it is what makes the bound true. */
const REASONS_MAX = 20;

interface Sums {
  readonly firstAtMs: number;
  lastAtMs: number;
  count: number;
  readonly byReason: Map<string, number>;
  readonly addresses: Set<string>;
  moreAddresses: boolean;
  readonly keyIds: Set<string>;
  moreKeyIds: boolean;
}

/** The first failure after a quiet minute is recorded at the next flush, the others once a minute. */
export function createFailedLogins({ nowMs, record }: FailedLoginsOptions): FailedLogins {
  let sums: Sums | undefined;
  let recordedAtMs = Number.NEGATIVE_INFINITY;

  function flush(): void {
    if (sums === undefined) return;
    // Also after a failure: a store that refuses writes is not asked again at every look.
    recordedAtMs = nowMs();
    if (record(toSummary(sums))) sums = undefined;
  }

  return {
    note(reason, address, keyId) {
      const atMs = nowMs();
      sums ??= createSums(atMs);
      sums.lastAtMs = atMs;
      sums.count += 1;
      const known = sums.byReason.get(reason);
      if (known !== undefined || sums.byReason.size < REASONS_MAX) {
        sums.byReason.set(reason, (known ?? 0) + 1);
      }
      if (address !== null && !addUpTo(sums.addresses, address)) sums.moreAddresses = true;
      if (keyId !== null && !addUpTo(sums.keyIds, keyId)) sums.moreKeyIds = true;
    },
    flushIfDue() {
      // A wall clock that was set back must not silence the trail.
      const sinceMs = nowMs() - recordedAtMs;
      if (sinceMs >= EVERY_MS || sinceMs < 0) flush();
    },
    flush,
  };
}

function createSums(atMs: number): Sums {
  return {
    firstAtMs: atMs,
    lastAtMs: atMs,
    count: 0,
    byReason: new Map(),
    addresses: new Set(),
    moreAddresses: false,
    keyIds: new Set(),
    moreKeyIds: false,
  };
}

function addUpTo(set: Set<string>, text: string): boolean {
  if (set.has(text)) return true;
  if (set.size >= NAMED_MAX) return false;
  set.add(text);
  return true;
}

function toSummary(sums: Sums): FailedLoginSummary {
  return {
    ...sums,
    byReason: Object.fromEntries(sums.byReason),
    addresses: [...sums.addresses],
    keyIds: [...sums.keyIds],
  };
}
