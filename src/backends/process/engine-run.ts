import type { Clock } from '../../core/clock.ts';
import type { Timers } from '../../core/timers.ts';
import type { Log } from '../../observe/log.ts';
import { engineEnvironment } from './engine-environment.ts';
import { EngineOutput } from './engine-output.ts';
import type { EngineSettings } from './engine-settings.ts';
import type { ReadyProbe } from './ready-probe.ts';
import type { EngineExit, SpawnEngine, SpawnedEngine } from './spawn-engine.ts';

/** What every run needs of the world around it. */
export interface EngineParts {
  readonly spawn: SpawnEngine;
  readonly probe: ReadyProbe;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** The gateway's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface RunEvents {
  onReady(): void;
  /** It and all it started are gone. `failure`: why, when nobody had asked for it. */
  onGone(failure: RunFailure | null): void;
}

export interface RunFailure {
  /** In words for operators. */
  readonly problem: string;
  /** Trying again without another configuration is of little use. */
  readonly isHopeless: boolean;
}

/** The first looks are soon, for engines that start at once; a model that loads is not hurried. */
const FIRST_LOOK_MS = 20;
const LOOK_EVERY_MS = 500;
const LOOK_DEADLINE_MS = 2_000;

/** One process from its start to its end. */
export class EngineRun {
  readonly settings: EngineSettings;
  readonly startedAtMs: number;
  readonly gone: Promise<void>;
  readonly #parts: EngineParts;
  readonly #events: RunEvents;
  readonly #output: EngineOutput;
  #phase: 'starting' | 'ready' | 'stopping' = 'starting';
  #sinceMs: number;
  #readyMs: number | null = null;
  readonly #beganMs: number;
  #engine: SpawnedEngine | null = null;
  #isStopAsked = false;
  /** We have given up on it: why. */
  #problem: string | null = null;
  #cancelTimer = () => {};

  constructor(settings: EngineSettings, parts: EngineParts, events: RunEvents) {
    this.settings = settings;
    this.#parts = parts;
    this.#events = events;
    this.startedAtMs = parts.clock.nowMs();
    this.#beganMs = parts.clock.monotonicMs();
    this.#sinceMs = this.#beganMs;
    this.#output = this.#openOutput();
    this.gone = this.#live().then((failure) => {
      this.#cancelTimer();
      events.onGone(failure);
    });
  }

  get phase(): 'starting' | 'ready' | 'stopping' {
    return this.#phase;
  }

  /** When the phase began, monotonic. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** From its start until it was ready; null: it never was. */
  get loadMs(): number | null {
    return this.#readyMs === null ? null : this.#readyMs - this.#beganMs;
  }

  /** null: it never was. */
  get readyForMs(): number | null {
    return this.#readyMs === null ? null : this.#parts.clock.monotonicMs() - this.#readyMs;
  }

  get pid(): number | null {
    return this.#engine?.pid ?? null;
  }

  /** Ends it; `gone` says when it is. */
  stop(): void {
    if (this.#isStopAsked) return;
    this.#isStopAsked = true;
    this.#enter('stopping');
    if (this.#engine !== null) this.#terminate(this.#engine);
  }

  async #live(): Promise<RunFailure | null> {
    const { url, readyPath } = this.settings;
    // What answers there already would be taken for the new process, and keep it from its port.
    const answer = await this.#parts.probe(url, readyPath, LOOK_DEADLINE_MS);
    if (this.#isStopAsked) return null;
    if (answer !== null) {
      return { problem: `something else answers at ${url} already`, isHopeless: false };
    }
    try {
      this.#engine = this.#spawn();
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      return { problem: `it cannot be started: ${problem}`, isHopeless: true };
    }
    this.#parts.log.info('engine_starting', { ...this.#who(), pid: this.#engine.pid });
    void this.#awaitReady();
    const exit = await this.#engine.exited;
    const wasAsked = this.#isStopAsked;
    this.#enter('stopping');
    // Its workers may live on, and hold the memory of the GPU.
    await this.#engine.kill();
    this.#output.end();
    if (wasAsked && this.#problem === null) return null;
    return { problem: this.#problem ?? this.#describe(exit), isHopeless: false };
  }

  #spawn(): SpawnedEngine {
    const { command, cwd, stopTimeoutMs } = this.settings;
    return this.#parts.spawn({
      command,
      env: engineEnvironment(this.settings, this.#parts.env),
      cwd,
      stopTimeoutMs,
      onOutput: (bytes, from) => this.#output.write(bytes, from),
    });
  }

  async #awaitReady(): Promise<void> {
    const { url, readyPath, readyTimeoutMs } = this.settings;
    const { clock, log } = this.#parts;
    const untilMs = clock.monotonicMs() + readyTimeoutMs;
    let waitMs = FIRST_LOOK_MS;
    let status: number | null = null;
    while (status !== 200) {
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) return this.#giveUp(status);
      await this.#pause(Math.min(waitMs, leftMs));
      if (this.#phase !== 'starting') return;
      status = await this.#parts.probe(url, readyPath, LOOK_DEADLINE_MS);
      if (this.#phase !== 'starting') return;
      waitMs = Math.min(LOOK_EVERY_MS, waitMs * 1.5);
    }
    this.#enter('ready');
    this.#readyMs = this.#sinceMs;
    log.info('engine_ready', { ...this.#who(), load_ms: Math.round(this.loadMs ?? 0) });
    this.#events.onReady();
  }

  #giveUp(status: number | null): void {
    const said = status === null ? 'nobody answered' : `the last answer was ${status}`;
    const seconds = this.settings.readyTimeoutMs / 1_000;
    this.#problem = `it was not ready within ${seconds} s: ${said}${this.#lastWords()}`;
    this.stop();
  }

  #terminate(engine: SpawnedEngine): void {
    engine.terminate();
    this.#cancelTimer();
    this.#cancelTimer = this.#parts.timers.after(this.settings.stopTimeoutMs, () => {
      this.#parts.log.warn('engine_killed', {
        ...this.#who(),
        stop_timeout_ms: this.settings.stopTimeoutMs,
      });
      void engine.kill();
    });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cancelTimer = this.#parts.timers.after(delayMs, resolve);
    });
  }

  #enter(phase: 'ready' | 'stopping'): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    this.#sinceMs = this.#parts.clock.monotonicMs();
  }

  #describe({ code, signal }: EngineExit): string {
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
    const seconds = (this.#parts.clock.monotonicMs() - this.#beganMs) / 1_000;
    return `it ${how} ${seconds.toFixed(1)} s after its start${this.#lastWords()}`;
  }

  #lastWords(): string {
    const { last } = this.#output;
    return last.length === 0 ? '' : `; it last wrote: ${last.join(' | ')}`;
  }

  #openOutput(): EngineOutput {
    const { clock, log } = this.#parts;
    return new EngineOutput({
      clock,
      secrets: this.settings.secrets,
      // While it loads its words explain the wait; later they are mostly one line per request.
      onLine: (line) =>
        this.#phase === 'ready'
          ? log.debug('engine_output', { ...this.#who(), line })
          : log.info('engine_output', { ...this.#who(), line }),
      onDropped: (lines) => log.warn('engine_output_dropped', { ...this.#who(), lines }),
    });
  }

  #who(): { readonly backend: string } {
    return { backend: this.settings.backend };
  }
}
