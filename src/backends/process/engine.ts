import { GateError } from '../../core/error.ts';
import { CrashBackoff } from './crash-backoff.ts';
import type { EngineUse, ProcessState, ProcessView } from './engine-processes.ts';
import { type EngineParts, EngineRun, type RunFailure } from './engine-run.ts';
import { type EngineSettings, restartKey } from './engine-settings.ts';
import { EngineWaiters } from './engine-waiters.ts';
import type { Resident, StopReason } from './residency.ts';

/** Assumed until a start was measured. */
const USUAL_LOAD_MS = 30_000;

/** Who asked without waiting is taken to come again for so long. */
const WISH_MS = 60_000;

export interface EngineEvents {
  /** Who is resident must be decided anew. */
  onChange(engine: Engine): void;
  /** Nobody uses it any more, and nothing else has changed. */
  onIdle(engine: Engine): void;
}

/** One configured model server over all its runs: who uses it, who waits for it, how it failed. */
export class Engine {
  readonly waiters: EngineWaiters;
  readonly #parts: EngineParts;
  readonly #events: EngineEvents;
  #settings: EngineSettings;
  #run: EngineRun | null = null;
  #inUse = 0;
  #idleSinceMs = 0;
  #isDraining = false;
  #isRemoved = false;
  #retiredSinceMs: number | null = null;
  /** Not after an idle stop or one by hand: then it comes back when it is needed. */
  #isPreloaded: boolean;
  readonly #backoff = new CrashBackoff();
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #wish: { readonly sinceMs: number; readonly untilMs: number } | null = null;
  #problem: string | null = null;
  #starts = 0;
  #crashes = 0;
  #evictions = 0;
  #loadMs: number | null = null;

  constructor(settings: EngineSettings, parts: EngineParts, events: EngineEvents) {
    this.#settings = settings;
    this.#parts = parts;
    this.#events = events;
    this.#isPreloaded = settings.preload;
    this.waiters = new EngineWaiters(parts, () => events.onChange(this));
  }

  get id(): string {
    return this.#settings.backend;
  }

  get idleTtlMs(): number | null {
    return this.#settings.idleTtlMs;
  }

  get maxWaitMs(): number {
    return this.#settings.maxWaitMs;
  }

  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  get isRunning(): boolean {
    return this.#run !== null;
  }

  get isRetired(): boolean {
    return this.#retiredSinceMs !== null;
  }

  /** Resolves when the present run and all it started are gone. */
  get gone(): Promise<void> {
    return this.#run?.gone ?? Promise.resolve();
  }

  /** Left of the wait after a failure. */
  get retryAfterMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#now());
  }

  get state(): ProcessState {
    if (this.#run !== null) return this.#run.phase;
    return this.retryAfterMs > 0 ? 'failed' : 'stopped';
  }

  /** Expected wait of who comes now. */
  get loadLeftMs(): number {
    const loadMs = this.#loadMs ?? USUAL_LOAD_MS;
    if (this.#run?.phase !== 'starting') return loadMs;
    return Math.max(1_000, loadMs - (this.#now() - this.#run.sinceMs));
  }

  /** Since when somebody has wanted it who has not got it; null: nobody does. */
  get wantedSinceMs(): number | null {
    const waitedMs = this.waiters.oldestMs;
    if (this.#wish === null || this.#wish.untilMs <= this.#now()) return waitedMs;
    return Math.min(waitedMs ?? Number.POSITIVE_INFINITY, this.#wish.sinceMs);
  }

  /** When the last wish of those who do not wait is over; null: there is none. */
  get wishEndsMs(): number | null {
    return this.wantedSinceMs === null ? null : (this.#wish?.untilMs ?? null);
  }

  /** Somebody wants it who does not wait any longer: it is started all the same. */
  wish(): void {
    const nowMs = this.#now();
    this.#wish = { sinceMs: this.wantedSinceMs ?? nowMs, untilMs: nowMs + WISH_MS };
  }

  forgetWish(): void {
    this.#wish = null;
  }

  /** A use right away; null when whoever asks has to wait. */
  take(): EngineUse | null {
    const run = this.#run;
    if (run?.phase !== 'ready' || this.#isDraining) return null;
    this.#inUse += 1;
    let isOver = false;
    return {
      end: () => {
        if (isOver) return;
        isOver = true;
        if (this.#run === run) this.#release();
      },
    };
  }

  #release(): void {
    this.#inUse -= 1;
    if (this.#inUse > 0) return;
    this.#idleSinceMs = this.#now();
    this.#events.onIdle(this);
  }

  start(): void {
    if (this.#run !== null) return;
    this.#starts += 1;
    this.#problem = null;
    this.#retiredSinceMs = null;
    this.#isDraining = false;
    this.#run = new EngineRun(this.#settings, this.#parts, {
      onReady: () => this.#becomeReady(),
      onGone: (failure) => this.#becomeGone(failure),
    });
  }

  stop(why: StopReason | 'asked' | 'closing'): void {
    if (this.#run === null || this.#run.phase === 'stopping') return;
    if (why === 'room') this.#evictions += 1;
    if (why === 'idle' || why === 'asked') this.#isPreloaded = false;
    this.#parts.log.info('engine_stopping', { backend: this.id, why, in_use: this.#inUse });
    this.#run.stop();
  }

  /** It is to end once it is unused; `atOnce`: those who come now wait for the next run. */
  retire(atOnce: boolean): void {
    if (this.#run === null) return;
    this.#retiredSinceMs = atOnce ? Number.NEGATIVE_INFINITY : this.#now();
    // While it loads nobody uses it.
    if (this.#run.phase === 'starting') this.stop(atOnce ? 'asked' : 'changed');
  }

  /** Keeps it as it runs when it may; the rest takes effect with the next run. */
  replaceSettings(settings: EngineSettings): void {
    const runs = this.#run?.settings;
    this.#settings = settings;
    this.#isRemoved = false;
    this.#isPreloaded = settings.preload;
    this.#backoff.forgive();
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    if (runs === undefined || restartKey(runs) === restartKey(settings))
      this.#retiredSinceMs = null;
    else if (this.#retiredSinceMs === null) this.retire(false);
  }

  remove(): void {
    this.#isRemoved = true;
    this.#isPreloaded = false;
    this.#wish = null;
    this.waiters.refuseAll(this.refusal());
    this.retire(true);
  }

  /** Another try is worth it at once. */
  forgive(): void {
    this.#backoff.forgive();
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** Returns whether that is a change. */
  setDraining(isDraining: boolean): boolean {
    if (this.#isDraining === isDraining) return false;
    this.#isDraining = isDraining;
    this.#serve();
    return true;
  }

  /** Why it is not running, for callers; operators see more in its view. */
  refusal(): GateError {
    const cause = new Error(this.#problem ?? 'it is not running');
    const retryAfterMs = this.retryAfterMs;
    return new GateError('no_backend_available', 'The model server could not be started.', {
      cause,
      ...(retryAfterMs > 0 ? { retryAfterMs } : {}),
    });
  }

  #becomeReady(): void {
    if (this.#run === null) return;
    this.#idleSinceMs = this.#run.sinceMs;
    this.#loadMs = this.#run.loadMs;
    this.#wish = null;
    this.#serve();
    this.#events.onChange(this);
  }

  #serve(): void {
    if (this.#isDraining || this.#run?.phase !== 'ready') return;
    this.waiters.serveAll(() => this.take() ?? { end() {} });
  }

  #becomeGone(failure: RunFailure | null): void {
    const readyForMs = this.#run?.readyForMs ?? null;
    this.#run = null;
    this.#inUse = 0;
    this.#isDraining = false;
    this.#retiredSinceMs = null;
    if (failure === null) this.#parts.log.info('engine_stopped', { backend: this.id });
    else this.#fail(failure, readyForMs);
    this.#events.onChange(this);
  }

  #fail({ problem, isHopeless }: RunFailure, readyForMs: number | null): void {
    const waitMs = this.#backoff.failed(readyForMs);
    this.#crashes += 1;
    this.#wish = null;
    this.#problem = problem;
    this.#notBeforeMs = this.#now() + waitMs;
    this.#parts.log.warn(readyForMs === null ? 'engine_start_failed' : 'engine_crashed', {
      backend: this.id,
      problem,
      failures: this.#backoff.failures,
      retry_in_ms: waitMs,
    });
    if (isHopeless) this.waiters.refuseAll(this.refusal());
    else this.waiters.startFailed(this.#notBeforeMs, this.refusal());
  }

  toResident(): Resident {
    // What runs may have been started with other settings than the next run will have.
    const { gpus, memoryBytes, group } = this.#run?.settings ?? this.#settings;
    return {
      ...{ id: this.id, gpus, memoryBytes, group },
      phase: this.#run?.phase ?? 'absent',
      sinceMs: this.#run?.sinceMs ?? 0,
      inUse: this.#inUse,
      idleSinceMs: this.#idleSinceMs,
      isDraining: this.#isDraining,
      wantedSinceMs: this.wantedSinceMs,
      notBeforeMs: this.#notBeforeMs,
      isPreloaded: this.#isPreloaded,
      retiredSinceMs: this.#retiredSinceMs,
      idleTtlMs: this.#settings.idleTtlMs,
      minResidencyMs: this.#settings.minResidencyMs,
      loadMs: this.#loadMs ?? USUAL_LOAD_MS,
    };
  }

  view(): ProcessView {
    const { gpus, memoryBytes, group } = this.#settings;
    return {
      ...{ backend: this.id, gpus, memoryBytes, group },
      state: this.state,
      pid: this.#run?.pid ?? null,
      inUse: this.#inUse,
      waiting: this.waiters.size,
      isDraining: this.#isDraining,
      startedAtMs: this.#run?.startedAtMs ?? null,
      starts: this.#starts,
      crashes: this.#crashes,
      evictions: this.#evictions,
      loadMs: this.#loadMs,
      problem: this.#problem,
    };
  }

  #now(): number {
    return this.#parts.clock.monotonicMs();
  }
}
