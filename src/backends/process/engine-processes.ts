import type { EngineSettings } from './engine-settings.ts';

export const PROCESS_STATES = ['stopped', 'starting', 'ready', 'stopping', 'failed'] as const;
export type ProcessState = (typeof PROCESS_STATES)[number];

export interface EngineLimits {
  /** Requests that may wait for processes, in all; 0: each is told at once that it is loading. */
  readonly maxWaiting: number;
  /** After this wait a busy process takes no more requests, so that another one gets its place. */
  readonly fairnessMs: number;
}

/** Model servers that llmgate starts when a request needs them. */
export interface EngineProcesses {
  isManaged(backend: string): boolean;
  state(backend: string): ProcessState | null;
  /**
   * Makes sure that the process runs, and keeps it running until the use ends. Rejects with a
   * GateError: `backend_loading` when the wait was too long (it goes on starting),
   * `no_backend_available` when it cannot be started, `overloaded` when too many wait already,
   * `draining` once `stop` was called. `signal` ends the wait, not the start; what it rejects with
   * then is `caller_gone`, or the GateError that the signal was aborted with.
   */
  use(backend: string, signal: AbortSignal, options?: UseOptions): Promise<EngineUse>;
  /** Starts it although no request needs it. Rejects as `use` does; false: not managed. */
  startNow(backend: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Stops it once the requests that use it have ended; `force` does not wait for them. It starts
   * again when a request needs it. Resolves when it is gone; false: not managed.
   */
  stopNow(backend: string, options?: { readonly force?: boolean }): Promise<boolean>;
  /**
   * What a reload says. Unchanged processes keep running, changed ones start again when nobody
   * uses them, those that are gone from the configuration end with their last request.
   */
  replaceProcesses(processes: readonly EngineSettings[], limits?: Partial<EngineLimits>): void;
  views(): readonly ProcessView[];
  /** Ends all of them and everything they started. Resolves when they are gone. */
  stop(): Promise<void>;
}

export interface UseOptions {
  /** Instead of the one of its settings; 0 starts it and answers `backend_loading` at once. */
  readonly maxWaitMs?: number;
}

export interface EngineUse {
  end(): void;
}

export interface ProcessView {
  readonly backend: string;
  readonly state: ProcessState;
  readonly pid: number | null;
  readonly group: string | null;
  readonly gpus: readonly number[];
  readonly memoryBytes: number | null;
  /** Requests that use it, and those that wait for it to be ready. */
  readonly inUse: number;
  readonly waiting: number;
  /** It runs, but takes no new requests: it is about to be stopped. */
  readonly isDraining: boolean;
  readonly startedAtMs: number | null;
  readonly starts: number;
  readonly crashes: number;
  /** Times that it was stopped to make room for another one. */
  readonly evictions: number;
  /** How long its last successful start took; null before one. */
  readonly loadMs: number | null;
  /** Why it is not running, in words for operators; null when it runs. */
  readonly problem: string | null;
}
