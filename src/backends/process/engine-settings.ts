/** A model server as the configuration has it, with where it will answer. */
export interface EngineSettings {
  readonly backend: string;
  /** Where it listens: scheme, host, port and path prefix. */
  readonly url: string;
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** Besides a few harmless variables nothing of llmgate's own environment is passed on. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  /** Path that answers 200 once it can serve. */
  readonly readyPath: string;
  readonly readyTimeoutMs: number;
  /** Longest wait after SIGTERM before SIGKILL. */
  readonly stopTimeoutMs: number;
  /** Longest wait of a request for its start; 0: it is told at once that the model is loading. */
  readonly maxWaitMs: number;
  /** Unused for this long it is stopped; null keeps it. */
  readonly idleTtlMs: number | null;
  /** It is not stopped for another one earlier than this after it was ready. */
  readonly minResidencyMs: number;
  /** Indices of the GPUs that it uses; empty for none. */
  readonly gpus: readonly number[];
  /** What it takes of each of those GPUs, or of the machine when there are none; null: all of it. */
  readonly memoryBytes: number | null;
  /** Of the processes of one group only one runs at a time; null for none. */
  readonly group: string | null;
  /** Started with the gateway and again after a crash, not only when needed. */
  readonly preload: boolean;
  /** Never to be seen in its output: keys that it may print with its arguments. */
  readonly secrets: readonly string[];
}

/** Equal for settings between which a running process need not be started again. */
export function restartKey(settings: EngineSettings): string {
  const { url, command, cwd, gpus, env } = settings;
  const variables = Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([url, command, cwd, gpus, variables]);
}
