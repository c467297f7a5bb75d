import type { Timers } from '../core/timers.ts';

/** A signal that fires after a time, or with another one. Dispose of it when the work is done. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** True when the time passed, false while it did not or the other signal came first. */
  readonly hasPassed: boolean;
}

export function startDeadline(timers: Timers, timeoutMs: number, outer: AbortSignal): Deadline {
  const controller = new AbortController();
  let hasPassed = false;
  const cancel = timers.after(timeoutMs, () => {
    hasPassed = true;
    controller.abort();
  });
  const follow = () => controller.abort();
  if (outer.aborted) controller.abort();
  else outer.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    get hasPassed() {
      return hasPassed;
    },
    [Symbol.dispose]() {
      cancel();
      outer.removeEventListener('abort', follow);
    },
  };
}
