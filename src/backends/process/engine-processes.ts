export const PROCESS_STATES = ['stopped', 'starting', 'ready', 'stopping', 'failed'] as const;
export type ProcessState = (typeof PROCESS_STATES)[number];

/** Model servers that llmgate starts when a request needs them. */
export interface EngineProcesses {
  isManaged(backend: string): boolean;
  state(backend: string): ProcessState | null;
  /**
   * Makes sure that the process runs, and keeps it running until the use ends. Rejects with a
   * GateError: `backend_loading` when the wait was too long (it goes on starting),
   * `no_backend_available` when it cannot be started. `signal` ends the wait, not the start.
   */
  use(backend: string, signal: AbortSignal): Promise<EngineUse>;
  views(): readonly ProcessView[];
  /** Ends all of them and everything they started. Resolves when they are gone. */
  stop(): Promise<void>;
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
  readonly startedAtMs: number | null;
  readonly starts: number;
  readonly crashes: number;
  /** Why it is not running, in words for operators; null when it runs. */
  readonly problem: string | null;
}
