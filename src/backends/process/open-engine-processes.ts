import { GateError } from '../../core/error.ts';
import { Engine } from './engine.ts';
import type { EngineLimits, EngineProcesses, EngineUse, UseOptions } from './engine-processes.ts';
import type { EngineParts } from './engine-run.ts';
import type { EngineSettings } from './engine-settings.ts';
import { toLeaving } from './engine-waiters.ts';
import { decideResidency } from './residency.ts';
import type { Capacity } from './room.ts';

export const ENGINE_LIMITS: EngineLimits = {
  maxWaiting: 1_024,
  fairnessMs: 30_000,
};

export interface EngineProcessesOptions extends EngineParts {
  readonly processes: readonly EngineSettings[];
  /** Asked at every decision, so that it may become known later. */
  readonly capacity: () => Capacity;
  readonly limits?: Partial<EngineLimits>;
  /** The state of a process has changed: a place to wake whoever routes requests. */
  readonly onChange?: (backend: string) => void;
}

/** Starts those that are preloaded. `stop()` it, or what it started ends with this process only. */
export function openEngineProcesses(options: EngineProcessesOptions): EngineProcesses {
  return new EngineFleet(options);
}

class EngineFleet implements EngineProcesses {
  readonly #options: EngineProcessesOptions;
  #limits: EngineLimits;
  readonly #engines = new Map<string, Engine>();
  #isClosed = false;
  #isDeciding = false;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelWake = () => {};

  constructor(options: EngineProcessesOptions) {
    this.#options = options;
    this.#limits = { ...ENGINE_LIMITS, ...options.limits };
    this.replaceProcesses(options.processes);
  }

  isManaged(backend: string): boolean {
    return this.#find(backend) !== undefined;
  }

  state(backend: string) {
    return this.#find(backend)?.state ?? null;
  }

  async use(backend: string, signal: AbortSignal, options: UseOptions = {}): Promise<EngineUse> {
    if (this.#isClosed) throw closing();
    const engine = this.#find(backend);
    if (engine === undefined) {
      throw new GateError('no_backend_available', 'The model server is not configured any more.');
    }
    const use = engine.take();
    if (use !== null) return use;
    if (signal.aborted) throw toLeaving(signal.reason);
    const { maxWaiting } = this.#limits;
    const maxWaitMs = maxWaiting === 0 ? 0 : (options.maxWaitMs ?? engine.maxWaitMs);
    if (engine.state === 'failed' && engine.retryAfterMs >= maxWaitMs) throw engine.refusal();
    if (maxWaitMs === 0) {
      engine.wish();
      this.#decide();
      throw loading(engine);
    }
    if (this.#waiting() >= maxWaiting) {
      throw new GateError('overloaded', 'Too many requests wait for models to be loaded.');
    }
    const onTooLong = () => {
      engine.wish();
      return loading(engine);
    };
    const waited = engine.waiters.wait({ signal, maxWaitMs, onTooLong });
    this.#decide();
    return waited;
  }

  async startNow(backend: string, signal: AbortSignal): Promise<boolean> {
    const engine = this.#find(backend);
    if (engine === undefined) return false;
    engine.forgive();
    const use = await this.use(backend, signal);
    use.end();
    return true;
  }

  async stopNow(backend: string, { force = false } = {}): Promise<boolean> {
    const engine = this.#find(backend);
    if (engine === undefined) return false;
    engine.forgetWish();
    // Those who wait for a load would start it again at once.
    if (engine.state === 'starting' || force) engine.waiters.refuseAll(engine.refusal());
    if (force) engine.stop('asked');
    else engine.retire(true);
    const gone = engine.gone;
    this.#decide();
    await gone;
    return true;
  }

  replaceProcesses(processes: readonly EngineSettings[], limits?: Partial<EngineLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
    const wanted = new Set(processes.map(({ backend }) => backend));
    for (const engine of this.#engines.values()) if (!wanted.has(engine.id)) engine.remove();
    for (const settings of processes) {
      const engine = this.#engines.get(settings.backend);
      if (engine === undefined) this.#add(settings);
      else engine.replaceSettings(settings);
    }
    this.#forgetRemoved();
    this.#decide();
  }

  views() {
    return Array.from(this.#engines.values(), (engine) => engine.view());
  }

  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#cancelWake();
    const engines = [...this.#engines.values()];
    for (const engine of engines) {
      engine.waiters.refuseAll(closing());
      engine.stop('closing');
    }
    await Promise.all(engines.map((engine) => engine.gone));
  }

  #add(settings: EngineSettings): void {
    const engine = new Engine(settings, this.#options, {
      onChange: (changed) => {
        this.#forgetRemoved();
        this.#decide();
        this.#tell(changed.id);
      },
      onIdle: (idle) => this.#noteIdle(idle),
    });
    this.#engines.set(engine.id, engine);
  }

  /** Runs after most requests, so it decides only when the end of one can change anything. */
  #noteIdle(engine: Engine): void {
    if (engine.isRetired || this.#isAnyWanted()) return this.#decide();
    if (engine.idleTtlMs !== null) this.#wakeAt(this.#now() + engine.idleTtlMs);
  }

  #decide(): void {
    // What a decision does may ask for one: that of an outer call is about to be made anew.
    if (this.#isClosed || this.#isDeciding) return;
    this.#isDeciding = true;
    const engines = [...this.#engines.values()];
    const decision = decideResidency({
      residents: engines.map((engine) => engine.toResident()),
      capacity: this.#options.capacity(),
      fairnessMs: this.#limits.fairnessMs,
      nowMs: this.#now(),
    });
    const changed = new Set([...decision.stop.map(({ id }) => id), ...decision.start]);
    // Before anything else: what is stopped must not serve those who waited for its end.
    for (const { id, why } of decision.stop) this.#engines.get(id)?.stop(why);
    for (const engine of engines) {
      if (engine.setDraining(decision.drain.includes(engine.id))) changed.add(engine.id);
    }
    for (const id of decision.start) this.#engines.get(id)?.start();
    this.#isDeciding = false;
    this.#cancelWake();
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    if (decision.nextMs !== null) this.#wakeAt(decision.nextMs);
    for (const { wishEndsMs } of engines) if (wishEndsMs !== null) this.#wakeAt(wishEndsMs);
    for (const id of changed) this.#tell(id);
  }

  #wakeAt(atMs: number): void {
    if (this.#isClosed || atMs >= this.#wakeAtMs) return;
    this.#cancelWake();
    this.#wakeAtMs = atMs;
    const delayMs = Math.min(LONGEST_TIMER_MS, Math.max(1, atMs - this.#now()));
    this.#cancelWake = this.#options.timers.after(delayMs, () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#decide();
    });
  }

  /** Later, so that nobody is called from within what it has called itself. */
  #tell(backend: string): void {
    const { onChange } = this.#options;
    if (onChange !== undefined) queueMicrotask(() => onChange(backend));
  }

  #forgetRemoved(): void {
    for (const engine of this.#engines.values()) {
      if (engine.isRemoved && !engine.isRunning) this.#engines.delete(engine.id);
    }
  }

  /** Not one that a reload has taken away, although it may still answer its last requests. */
  #find(backend: string): Engine | undefined {
    const engine = this.#engines.get(backend);
    return engine === undefined || engine.isRemoved ? undefined : engine;
  }

  #waiting(): number {
    let waiting = 0;
    for (const engine of this.#engines.values()) waiting += engine.waiters.size;
    return waiting;
  }

  #isAnyWanted(): boolean {
    for (const engine of this.#engines.values()) if (engine.wantedSinceMs !== null) return true;
    return false;
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}

/** Timers of more than 24.8 days fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

function loading(engine: Engine): GateError {
  return new GateError('backend_loading', 'The model is being loaded.', {
    retryAfterMs: Math.ceil(engine.loadLeftMs),
  });
}

function closing(): GateError {
  return new GateError('draining', 'The gateway is shutting down.');
}
