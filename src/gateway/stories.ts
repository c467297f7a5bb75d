import type { NanoUsd } from '../core/money.ts';
import type { Exchange, Note } from './exchange.ts';

/** How an unusual request went, for `explain`. Times are milliseconds after it arrived. */
export interface Story {
  readonly requestId: string;
  readonly queueMs: number;
  /** What was set aside for it. */
  readonly heldNanoUsd: NanoUsd;
  /** Where backends were told to stop; null when they were not told. */
  readonly outputLimit: number | null;
  readonly bodyBytes: number | null;
  readonly notes: readonly Note[];
  readonly attempts: readonly {
    readonly backend: string;
    readonly model: string;
    readonly reason: string;
    readonly startMs: number;
    readonly endMs: number;
    readonly firstTokenMs: number | null;
    readonly code: string | null;
    readonly status: number | null;
  }[];
}

const KEPT_MAX = 2_000;

/**
 * The stories of the last requests that did not go the usual way. Bounded, and lost with the
 * process; what the books must know is in the rows.
 */
export class Stories {
  readonly #byId = new Map<string, Story>();

  /** Stored under no more than `KEPT_MAX` ids, the oldest is forgotten first. */
  keep(exchange: Exchange): void {
    const { startedMs, attempts, id, queueMs, heldNanoUsd, outputLimit, notes = [] } = exchange;
    if (this.#byId.size >= KEPT_MAX) {
      const [oldest] = this.#byId.keys();
      if (oldest !== undefined) this.#byId.delete(oldest);
    }
    this.#byId.set(id, {
      requestId: id,
      ...{ queueMs, heldNanoUsd, outputLimit },
      bodyBytes: exchange.call?.bytes?.byteLength ?? null,
      notes,
      attempts: attempts.map((each) => ({
        backend: each.target.backend,
        model: each.target.model,
        reason: each.lease.reason,
        startMs: each.startedMs - startedMs,
        endMs: (each.endedMs ?? each.startedMs) - startedMs,
        firstTokenMs: each.firstTokenMs === undefined ? null : each.firstTokenMs - startedMs,
        code: each.code,
        status: each.status,
      })),
    });
  }

  find(requestId: string): Story | undefined {
    return this.#byId.get(requestId);
  }
}
