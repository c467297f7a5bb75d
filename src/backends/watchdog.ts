import type { Clock } from '../core/clock.ts';

/**
 * Deadlines without a timer per request. A stream moves its idle deadline with every chunk; a timer
 * would have to be re-armed each time, here it is one assignment. The price is that a deadline is
 * noticed up to one period late.
 */
export interface Watch {
  /** On `clock.monotonicMs`; Infinity is off. Assign it freely, also from `onDue`. */
  dueMs: number;
  /** Called once for each time that is set: `dueMs` is Infinity again when this runs. */
  onDue(): void;
}

export interface Watchdog {
  add(watch: Watch): void;
  remove(watch: Watch): void;
  readonly size: number;
  /** Calls everything that is due. The interval does it; tests with a fake clock do it by hand. */
  tick(): void;
  close(): void;
}

/** A tick that comes later than this means that the event loop stood still. */
const STALL_MS = 1_000;

/** One unreferenced interval of `periodMs` looks at all watches. Close it when done. */
export function startWatchdog(clock: Clock, periodMs = 50): Watchdog {
  const watches = new Set<Watch>();

  function tick(): void {
    const nowMs = clock.monotonicMs();
    let failure: { readonly error: unknown } | null = null;
    for (const watch of watches) {
      if (watch.dueMs > nowMs) continue;
      watch.dueMs = Number.POSITIVE_INFINITY;
      try {
        watch.onDue();
      } catch (error) {
        failure ??= { error }; // The others must not miss their deadline because of one bug.
      }
    }
    if (failure !== null) throw failure.error;
  }

  let lastMs = clock.monotonicMs();
  const interval = setInterval(() => {
    const nowMs = clock.monotonicMs();
    const stalled = nowMs - lastMs > STALL_MS + periodMs;
    lastMs = nowMs;
    // After a standstill (a suspended process, a long pause) replies may be waiting unread, and
    // timers run before sockets. Reading them first keeps healthy streams alive.
    if (!stalled) tick();
  }, periodMs);
  interval.unref();

  return {
    add: (watch) => void watches.add(watch),
    remove: (watch) => void watches.delete(watch),
    get size() {
      return watches.size;
    },
    tick,
    close() {
      clearInterval(interval);
      watches.clear();
    },
  };
}
