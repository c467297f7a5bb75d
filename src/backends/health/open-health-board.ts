import type { Clock } from '../../core/clock.ts';
import type { Timers } from '../../core/timers.ts';
import type { HttpClient } from '../http1/client.ts';
import type { ProcessState } from '../process/engine-processes.ts';
import { BackendHealth } from './backend-health.ts';
import type {
  AttemptVerdict,
  HealthBoard,
  HealthSettings,
  HealthSpec,
  HealthView,
} from './health.ts';
import { HealthRounds } from './health-rounds.ts';

export type { HealthSettings, HealthSpec } from './health.ts';

export interface HealthBoardOptions {
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly timers?: Timers;
  /** 0 up to 1, exclusive. Jitter, so that gateways do not ask in step. */
  readonly random: () => number;
  readonly backends: readonly HealthSpec[];
  readonly config: HealthSettings;
  /** The state of a process that llmgate runs; null when there is none. */
  readonly processState?: (id: string) => ProcessState | null;
  /** Places may have become free, or gone: the scheduler should look. Never during a call. */
  readonly onChange?: () => void;
  /** State, breaker or drain of a backend have changed. */
  readonly onTransition?: (view: HealthView, previous: HealthView) => void;
}

/** Processes are looked at this often. */
const PROCESS_LOOK_MS = 100;

/** Nothing here keeps the gateway alive. */
const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Watches backends until it is closed. One timer for all of them, and none that is needed to serve. */
export function openHealthBoard(options: HealthBoardOptions): HealthBoard {
  return new Board(options);
}

interface Watched {
  readonly health: BackendHealth;
  /** As it was last told. */
  view: HealthView;
  accepted: boolean;
}

class Board implements HealthBoard {
  readonly #options: HealthBoardOptions;
  readonly #timers: Timers;
  readonly #rounds: HealthRounds;
  #settings: HealthSettings;
  #watched = new Map<string, Watched>();
  #cancelTimer: (() => void) | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #isChangeDue = false;
  #isClosed = false;

  constructor(options: HealthBoardOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#settings = options.config;
    this.#rounds = new HealthRounds({
      client: options.client,
      clock: options.clock,
      random: options.random,
      settings: () => this.#settings,
      onNews: (health, isLoadNew) => this.#look(health.id, isLoadNew),
      onRoom: () => this.#run(),
    });
    this.replaceBackends(options.backends, options.config);
  }

  replica(id: string): BackendHealth | undefined {
    return this.#watched.get(id)?.health;
  }

  failingShare(id: string, nowMs: number): number {
    return this.#watched.get(id)?.health.breaker.failingShare(nowMs) ?? 1;
  }

  accepts(id: string, nowMs: number): boolean {
    return this.#watched.get(id)?.health.accepts(nowMs) ?? false;
  }

  begin(id: string, nowMs: number): void {
    const watched = this.#watched.get(id);
    watched?.health.breaker.begin(nowMs);
    if (watched !== undefined) watched.accepted = watched.health.accepts(nowMs);
  }

  answered(id: string, nowMs: number): void {
    this.#watched.get(id)?.health.answered(nowMs);
    this.#look(id, false);
  }

  note(id: string, verdict: AttemptVerdict, nowMs: number, retryAfterMs?: number): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    watched.health.note(verdict, nowMs, retryAfterMs);
    const { view, accepted } = watched;
    const isWell = accepted && view.state === 'up' && view.breaker === 'closed';
    if (isWell && (verdict === 'ok' || verdict === 'refused')) return; // Nothing can have changed.
    if (verdict !== 'ok' && verdict !== 'refused' && verdict !== 'cancelled') {
      this.#rounds.suspect(watched.health, nowMs);
    }
    this.#look(id, false);
  }

  drain(id: string): boolean {
    return this.#setDrained(id, true);
  }

  resume(id: string): boolean {
    return this.#setDrained(id, false);
  }

  views(nowMs: number): readonly HealthView[] {
    return Array.from(this.#watched.values(), ({ health }) => health.view(nowMs));
  }

  replaceBackends(backends: readonly HealthSpec[], settings: HealthSettings): void {
    this.#settings = settings;
    const { clock, random } = this.#options;
    const processState = this.#options.processState ?? (() => null);
    const nowMs = clock.monotonicMs();
    const before = this.#watched;
    this.#watched = new Map();
    for (const spec of backends) {
      const known = before.get(spec.backend.id);
      if (known !== undefined && isSamePlace(known.health.spec, spec)) {
        before.delete(spec.backend.id);
        known.health.replace(spec, settings);
        this.#rounds.hurry(known.health, nowMs);
        this.#watched.set(spec.backend.id, known);
        continue;
      }
      const health = new BackendHealth(spec, settings, { clock, random, processState });
      health.isDrained = known?.health.isDrained ?? false;
      health.followProcess(nowMs);
      this.#rounds.add(health);
      const [view, accepted] = [health.view(nowMs), health.accepts(nowMs)];
      this.#watched.set(spec.backend.id, { health, view, accepted });
    }
    for (const { health } of before.values()) this.#rounds.remove(health);
    this.#changed();
    this.#run();
  }

  processesChanged(): void {
    this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#rounds.close();
  }

  #setDrained(id: string, isDrained: boolean): boolean {
    const watched = this.#watched.get(id);
    if (watched === undefined) return false;
    watched.health.isDrained = isDrained;
    this.#look(id, false);
    return true;
  }

  /** Tells what has changed of a backend, and sees to it that what will change is noticed. */
  #look(id: string, isLoadNew: boolean): void {
    const watched = this.#watched.get(id);
    if (watched === undefined || this.#isClosed) return;
    const nowMs = this.#options.clock.monotonicMs();
    const { health, view: previous } = watched;
    const accepted = health.accepts(nowMs);
    if (isLoadNew || accepted !== watched.accepted) this.#changed();
    watched.accepted = accepted;
    const isTransition =
      health.state(nowMs) !== previous.state ||
      health.breaker.state(nowMs) !== previous.breaker ||
      health.isDrained !== previous.isDrained;
    if (isTransition) {
      watched.view = health.view(nowMs);
      if (watched.view.state === 'up') this.#rounds.readSoon(health, nowMs);
      this.#changed();
      this.#options.onTransition?.(watched.view, previous);
    }
    this.#arm(Math.min(health.changesAtMs(nowMs), this.#rounds.dueMs(health)), nowMs);
  }

  /** Several changes of one turn are told once, when whoever caused them is done. */
  #changed(): void {
    if (this.#isChangeDue || this.#options.onChange === undefined) return;
    this.#isChangeDue = true;
    queueMicrotask(() => {
      this.#isChangeDue = false;
      if (!this.#isClosed) this.#options.onChange?.();
    });
  }

  /** Everything that is due. */
  #run(): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const [id, { health }] of this.#watched) {
      if (health.spec.isManaged) {
        health.followProcess(nowMs);
        this.#arm(nowMs + PROCESS_LOOK_MS, nowMs);
      }
      this.#look(id, false);
    }
    this.#arm(this.#rounds.run(nowMs), nowMs);
  }

  /** The one timer, set to the earliest of all that was asked for. */
  #arm(dueMs: number, nowMs: number): void {
    if (dueMs >= this.#timerDueMs || this.#isClosed) return;
    this.#cancelTimer?.();
    this.#timerDueMs = dueMs;
    this.#cancelTimer = this.#timers.after(Math.max(1, Math.ceil(dueMs - nowMs)), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.#cancelTimer = null;
      this.#run();
    });
  }
}

function isSamePlace(left: HealthSpec, right: HealthSpec): boolean {
  const [a, b] = [left.backend.origin, right.backend.origin];
  return a.key === b.key && a.basePath === b.basePath && left.isManaged === right.isManaged;
}
