import type { Clock } from '../core/clock.ts';

const SLOTS = 4096;
const UNSET = -1;
const FIRING = -2;

/** One thing to do at a time. Belongs to at most one wheel; setting it again moves it. */
export class Timer {
  readonly fire: (nowMs: number) => void;
  dueMs = 0;
  slot = UNSET;
  previous: Timer | null = null;
  next: Timer | null = null;

  constructor(fire: (nowMs: number) => void) {
    this.fire = fire;
  }
}

/**
 * Thousands of streams wait for their next token at once; a runtime timer for each token would
 * cost more than the token. Here one runtime timer drives slots of a millisecond; setting and
 * cancelling are constant time. A timer fires in the first tick after its time, never before it.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: (Timer | null)[] = new Array<Timer | null>(SLOTS).fill(null);
  /** Every slot up to this millisecond has been served. */
  #servedMs: number;
  #count = 0;
  #runtimeTimer: ReturnType<typeof setTimeout> | null = null;
  #wakeMs = Number.POSITIVE_INFINITY;
  #isTicking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#servedMs = Math.floor(clock.monotonicMs());
  }

  get count(): number {
    return this.#count;
  }

  /** Fires `timer` once at `dueMs` on the monotonic clock, or in the next tick when that is past. */
  set(timer: Timer, dueMs: number): void {
    this.cancel(timer);
    if (this.#count === 0) this.#servedMs = Math.floor(this.#clock.monotonicMs());
    const tickMs = Math.max(Math.ceil(dueMs), this.#servedMs + 1);
    const slot = tickMs % SLOTS;
    timer.dueMs = tickMs;
    timer.slot = slot;
    timer.previous = null;
    timer.next = this.#slots[slot] ?? null;
    if (timer.next !== null) timer.next.previous = timer;
    this.#slots[slot] = timer;
    this.#count++;
    if (tickMs < this.#wakeMs && !this.#isTicking) this.#wakeAt(tickMs);
  }

  setIn(timer: Timer, delayMs: number): void {
    this.set(timer, this.#clock.monotonicMs() + delayMs);
  }

  cancel(timer: Timer): void {
    if (timer.slot < 0) {
      timer.slot = UNSET;
      return;
    }
    if (timer.previous === null) this.#slots[timer.slot] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== null) timer.next.previous = timer.previous;
    timer.slot = UNSET;
    this.#count--;
  }

  stop(): void {
    if (this.#runtimeTimer !== null) clearTimeout(this.#runtimeTimer);
    this.#runtimeTimer = null;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    this.#slots.fill(null);
    this.#count = 0;
  }

  #wakeAt(tickMs: number): void {
    if (this.#runtimeTimer !== null) clearTimeout(this.#runtimeTimer);
    this.#wakeMs = tickMs;
    // Never longer than a turn: runtime timers overflow at 25 days, and a tick too many is cheap.
    const delayMs = Math.min(Math.max(0, tickMs - this.#clock.monotonicMs()), SLOTS);
    this.#runtimeTimer = setTimeout(() => this.#tick(), Math.ceil(delayMs));
  }

  #tick(): void {
    this.#runtimeTimer = null;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const untilMs = Math.floor(nowMs);
    // After a long pause one turn of the wheel visits everything that is due.
    const fromMs = Math.max(this.#servedMs + 1, untilMs - SLOTS + 1);
    const due: Timer[] = [];
    for (let ms = fromMs; ms <= untilMs; ms++) {
      for (let timer = this.#slots[ms % SLOTS] ?? null; timer !== null; timer = timer.next) {
        if (timer.dueMs <= untilMs) due.push(timer);
      }
    }
    this.#servedMs = Math.max(this.#servedMs, untilMs);
    for (const timer of due) {
      this.cancel(timer);
      timer.slot = FIRING;
    }
    this.#isTicking = true;
    for (const timer of due) {
      // One that fired before it may have cancelled or moved this one.
      if (timer.slot !== FIRING) continue;
      timer.slot = UNSET;
      timer.fire(nowMs);
    }
    this.#isTicking = false;
    this.#wakeForNext();
  }

  #wakeForNext(): void {
    if (this.#count === 0) return;
    for (let ms = this.#servedMs + 1; ms <= this.#servedMs + SLOTS; ms++) {
      // Timers of a later turn share the slot: waking for them early costs one idle tick.
      if (this.#slots[ms % SLOTS] !== null) return this.#wakeAt(ms);
    }
  }
}
