import type { HttpClient, OutgoingRequest } from '../backends/http1/client.ts';
import type { Clock } from '../core/clock.ts';
import type { Arrivals } from './arrivals.ts';
import type { BenchEndpoint } from './endpoint.ts';
import type { GeneratorWatch } from './generator-watch.ts';
import type { Measurement, StopReason } from './measurement.ts';
import { watchSaturation } from './over-saturation.ts';
import type { Random } from './random.ts';
import { Shot, type ShotListener } from './shot.ts';

export interface LoadPlan {
  readonly arrivals: Arrivals;
  /** No schedule: a request is sent as soon as there is a place, and was meant for then. */
  readonly isClosed: boolean;
  /** Requests a second of the schedule; decides how timers are set. */
  readonly expectedRate: number;
  /** Places: requests in flight at a time. The rest of the schedule waits, and is timed waiting. */
  readonly maxInFlight: number;
  /** Sending ends then; null when the schedule ends it. */
  readonly durationMs: number | null;
  /** How long what is in flight may take after that. */
  readonly graceMs: number;
  /** Share of requests that are left, and how long after they were sent. */
  readonly cancelRate: number;
  readonly cancelDelayMs: number;
  /** Stop when the server falls behind, judged after so long; null never. */
  readonly saturationAfterMs: number | null;
}

export interface LoadSetup {
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly endpoint: BenchEndpoint;
  readonly stream: boolean;
  readonly requestAt: (index: number) => OutgoingRequest;
  readonly signal: AbortSignal;
  /** Gets what is measured; what it holds already stays, as of an earlier round. */
  readonly measurement: Measurement;
  readonly generator: GeneratorWatch;
  /** Called once a second. */
  readonly onSecond: () => void;
}

/** Requests sent before replies are read again. */
const BURST_MAX = 64;
/** Up to this rate the last millisecond before a request is spun away: timers are that coarse. */
const PRECISE_RATE_MAX = 200;

/** Sends what the plan says when it says so, and resolves when all of it has ended. */
export function runLoad(plan: LoadPlan, setup: LoadSetup): Promise<void> {
  return new Load(plan, setup).run();
}

class Load implements ShotListener {
  readonly #plan: LoadPlan;
  readonly #setup: LoadSetup;
  readonly #measurement: Measurement;
  readonly #startMs: number;
  readonly #saturation;
  readonly #live = new Set<Shot>();
  readonly #done = Promise.withResolvers<void>();
  readonly #interrupt = () => this.#stopNow('interrupted');
  #nextMs: number | null = null;
  #index = 0;
  /** When a place became free that the next request had waited for; null when it does not wait. */
  #freedMs: number | null = null;
  #isSending = true;
  #isScheduled = false;
  #second: ReturnType<typeof setInterval> | undefined;
  #limit: ReturnType<typeof setTimeout> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #secondTtft = { sumMs: 0, count: 0 };

  constructor(plan: LoadPlan, setup: LoadSetup) {
    this.#plan = plan;
    this.#setup = setup;
    this.#measurement = setup.measurement;
    this.#startMs = setup.clock.monotonicMs();
    this.#measurement.resume(this.#startMs);
    this.#saturation =
      plan.saturationAfterMs === null ? null : watchSaturation(plan.saturationAfterMs);
  }

  async run(): Promise<void> {
    const { signal, generator } = this.#setup;
    generator.start();
    signal.addEventListener('abort', this.#interrupt, { once: true });
    this.#second = setInterval(() => this.#onSecond(), 1_000);
    const { durationMs } = this.#plan;
    if (durationMs !== null) {
      this.#limit = setTimeout(() => this.#stopSending('duration'), durationMs);
    }
    this.#nextMs = this.#plan.arrivals();
    this.#pump();
    if (signal.aborted) this.#stopNow('interrupted');
    await this.#done.promise;
    clearInterval(this.#second);
    clearTimeout(this.#limit);
    clearTimeout(this.#grace);
    signal.removeEventListener('abort', this.#interrupt);
    generator.stop();
  }

  // ── Told by the requests ───────────────────────────────────────────────────────────────────────

  onPiece(shot: Shot, gapMs: number | null): void {
    const nowMs = this.#setup.clock.monotonicMs();
    this.#measurement.piece(shot, gapMs, nowMs);
    if (gapMs !== null) return;
    this.#secondTtft.sumMs += nowMs - shot.plan.intendedMs;
    this.#secondTtft.count += 1;
  }

  onEnd(shot: Shot, end: Parameters<ShotListener['onEnd']>[1]): void {
    this.#live.delete(shot);
    this.#measurement.ended(shot, end);
    if (!this.#isSending) {
      if (this.#live.size === 0) this.#done.resolve();
      return;
    }
    // What has no stream shows the server falling behind by its whole answer.
    if (!shot.plan.stream) {
      this.#secondTtft.sumMs += shot.endMs - shot.plan.intendedMs;
      this.#secondTtft.count += 1;
    }
    if (this.#live.size === this.#plan.maxInFlight - 1) {
      this.#freedMs = shot.endMs;
      this.#pump();
    }
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────

  #pump(): void {
    const { clock } = this.#setup;
    const { maxInFlight } = this.#plan;
    let burst = 0;
    while (this.#isSending && this.#live.size < maxInFlight) {
      const nowMs = clock.monotonicMs();
      if (this.#nextMs === null) return this.#stopSending('count');
      const dueMs = this.#startMs + this.#nextMs;
      if (dueMs > nowMs) return this.#wait(dueMs - nowMs);
      if (burst === BURST_MAX) return this.#wait(0);
      burst += 1;
      this.#fire(this.#plan.isClosed ? nowMs : dueMs, nowMs);
      this.#nextMs = this.#plan.arrivals();
    }
  }

  /** Only ever for the next request, which stays the next until this has run. */
  #wait(waitMs: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const go = () => {
      this.#isScheduled = false;
      this.#pump();
    };
    // Timers count whole milliseconds; where that would show, the loop turns until it is time.
    const isPrecise = this.#plan.expectedRate <= PRECISE_RATE_MAX;
    const timerMs = Math.floor(isPrecise ? waitMs - 0.15 : waitMs);
    if (waitMs < 0.05 || (isPrecise && timerMs < 1)) setImmediate(go);
    else setTimeout(go, Math.min(1_000, timerMs));
  }

  #fire(intendedMs: number, nowMs: number): void {
    const { client, clock, endpoint, stream, requestAt, random } = this.#setup;
    const { cancelRate, cancelDelayMs, isClosed } = this.#plan;
    const index = this.#index;
    this.#index += 1;
    if (!isClosed) {
      this.#setup.generator.sendLag.record(nowMs - Math.max(intendedMs, this.#freedMs ?? 0));
    }
    if (this.#live.size < this.#plan.maxInFlight - 1) this.#freedMs = null;
    const shot = new Shot({ index, intendedMs, endpoint, stream }, clock, this);
    this.#live.add(shot);
    shot.send(client, requestAt(index));
    this.#measurement.began(shot);
    if (cancelRate > 0 && random.uniform() < cancelRate) {
      setTimeout(() => shot.leave('cancelled'), cancelDelayMs);
    }
  }

  // ── Ending ─────────────────────────────────────────────────────────────────────────────────────

  #onSecond(): void {
    const measurement = this.#measurement;
    const { sumMs, count } = this.#secondTtft;
    this.#secondTtft = { sumMs: 0, count: 0 };
    this.#setup.onSecond();
    if (!this.#isSending) return;
    const isBehind = this.#saturation?.add({
      atMs: this.#setup.clock.monotonicMs() - this.#startMs,
      inFlight: measurement.inFlight,
      ttftMs: count === 0 ? null : sumMs / count,
    });
    if (isBehind === true) this.#stopNow('over_saturated');
  }

  #stopSending(reason: StopReason): void {
    if (!this.#isSending) return;
    this.#isSending = false;
    const measurement = this.#measurement;
    measurement.stopReason = reason;
    measurement.sendingMs = this.#setup.clock.monotonicMs() - this.#startMs;
    if (!this.#plan.isClosed) measurement.unsent += this.#countUnsent();
    if (this.#live.size === 0) return this.#done.resolve();
    this.#grace = setTimeout(() => this.#leaveAll(), this.#plan.graceMs);
  }

  #stopNow(reason: StopReason): void {
    this.#stopSending(reason);
    this.#leaveAll();
  }

  #leaveAll(): void {
    for (const shot of [...this.#live]) shot.leave('incomplete');
    this.#done.resolve();
  }

  /** Requests that were due by now and found no place. */
  #countUnsent(): number {
    const nowMs = this.#setup.clock.monotonicMs() - this.#startMs;
    let count = 0;
    while (this.#nextMs !== null && this.#nextMs < nowMs) {
      count += 1;
      this.#nextMs = this.#plan.arrivals();
    }
    return count;
  }
}
