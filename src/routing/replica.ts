/**
 * One backend as the scheduler sees it. `backends/` keeps these up to date; here they are only read,
 * so that scheduling stays free of clocks and sockets and can be simulated.
 */
export interface Replica {
  /** Id of the backend. */
  readonly id: string;
  /**
   * May a request be sent there now? False while it is drained, dead, warming or behind an open
   * breaker. A half-open breaker says true until its probes are out.
   */
  accepts(nowMs: number): boolean;
  /** It will accept soon without anybody's help: it is warming, or about to be tried again. */
  readonly isComing: boolean;
  /**
   * Better than nobody, when no other candidate accepts or is coming: it fails too many requests to
   * be sent any, but it answers; or its process is being started, and whoever goes there waits.
   */
  isLastResort(nowMs: number): boolean;
  /** Requests it may have at once as configured; null when nobody has said. */
  readonly maxConcurrency: number | null;
  /** What the engine itself says; null when it says nothing or the last word is stale. */
  engineLoad(nowMs: number): EngineLoad | null;
  /** Part of its usual share that it should get, from above 0 to 1: below 1 while it starts slowly. */
  share(nowMs: number): number;
}

/** Load as an engine reports it. */
export interface EngineLoad {
  /** Requests in its batch. */
  readonly running: number;
  /** Requests in its own queue. */
  readonly waiting: number;
  /** Used part of its KV cache, 0 to 1; null when it does not say. */
  readonly kvUsed: number | null;
}

/** The backends by id; undefined for one that a reload took away. */
export type Replicas = (id: string) => Replica | undefined;
