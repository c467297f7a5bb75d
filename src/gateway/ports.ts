/**
 * What the request path needs from the outside, in its own words. `store/`, `backends/` and
 * `limits/` satisfy these by shape; `app/` is the only place that knows both sides.
 */

import type { ErrorCode } from '../core/error.ts';
import type { ContentMode, Key } from '../core/key.ts';
import type { Usage } from '../core/usage.ts';
import type { AttemptOutcome, AttemptTimes, SettledFact } from '../observe/metrics/request-fact.ts';
import type { Target } from '../routing/model-table.ts';
import type { AttemptRow, FinishedRow, OpenRow } from '../store/rows.ts';

export interface KeyLookup {
  find(id: string): Key | undefined;
}

/** Seconds a connection may be silent between requests, or while it sends one. */
export const QUIET_CONNECTION_SECONDS = 120;

/** The server's own watch over silent connections. */
export interface ConnectionWatch {
  /** Who is at the other end; null when it is gone. */
  requestIP(request: Request): { readonly address: string } | null;
  /** Zero seconds: the connection of this request may be silent for as long as it likes. */
  timeout(request: Request, seconds: number): void;
}

/** Counts who was turned away, for the audit trail. */
export interface FailedLogins {
  note(reason: ErrorCode, address: string | null, keyId: string | null): void;
}

/** Every promise resolves when the write is durable and rejects with `store_unavailable`. */
export interface Journal {
  open(row: OpenRow): Promise<void>;
  settle(row: FinishedRow, attempts: readonly AttemptRow[]): Promise<void>;
  progress(id: string, usage: Usage): void;
}

/** Keeps prompts and answers, apart from the books. */
export interface ContentRecorder {
  /** Undefined when there is no way to keep anything; that is counted. */
  begin(request: CapturedRequest): Capture | undefined;
  /** Content that should be kept would be lost now: the operator's policy decides on requests. */
  readonly isFailing: boolean;
}

export interface CapturedRequest {
  readonly requestId: string;
  readonly key: Key;
  readonly mode: Exclude<ContentMode, 'off'>;
}

/** What is kept of one request. Bytes are copied at once, up to a cap; nothing ever waits here. */
export interface Capture {
  /** The body as the caller sent it. */
  request(bytes: Uint8Array): void;
  /** The next part of the answer as the caller gets it. */
  answer(bytes: Uint8Array): void;
  /**
   * Resolves when the content is durable, with the reference that the finished row must hold, and
   * with null when it was lost, which is counted. Never rejects, and never later than its deadline.
   */
  finish(): Promise<Uint8Array | null>;
  /** Keeps nothing after all. */
  abandon(): void;
}

export interface BackendRequest {
  readonly method: string;
  readonly path: string;
  /** Lower-case names; framing, host and the backend's own credentials are the sender's. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | null;
}

export interface ReplyHead {
  readonly status: number;
  readonly headers: { get(name: string): string | undefined };
}

/** How far a request had come when its connection failed. Decides whether it may be sent again. */
export interface SendFailure {
  readonly stage: 'nothing_sent' | 'sent_nothing_read' | 'broken_midway';
  readonly cause: string;
  /** For logs. */
  readonly message: string;
}

/** Called by the sender: `onHead`, then data, then exactly one of `onEnd` and `onFailure`. */
export interface ReplyReader {
  onHead(head: ReplyHead): void;
  onData(bytes: Uint8Array): void;
  /** `closeDelimited`: the end was only a closed connection, which proves nothing. */
  onEnd(closeDelimited: boolean): void;
  onFailure(failure: SendFailure): void;
}

/** One request on its way. After `abort` the connection is closed and nothing is called again. */
export interface Sending {
  /** Which of the backend's credentials it carries. */
  readonly credential: number;
  /** Bytes of the request have been written, so the backend may be at work on it. */
  readonly hasBegun: boolean;
  abort(): void;
  pause(): void;
  resume(): void;
}

/** Deadlines of one attempt where they differ from the usual ones. */
export interface SendOverrides {
  readonly firstByteMs?: number;
  readonly totalMs?: number;
}

export interface Sender {
  send(
    target: Target,
    request: BackendRequest,
    reader: ReplyReader,
    overrides?: SendOverrides,
  ): Sending;
  /**
   * The backend refused the credential of this attempt (401, 402, 403) or limits it (429). True
   * when the same backend can be asked again at once, with another one.
   */
  credentialRefused(
    target: Target,
    credential: number,
    status: number,
    retryAfterMs: number | undefined,
  ): boolean;
}

/** What attempts have shown of a backend. */
export interface HealthNotes {
  /** Whether a request may be sent there now. */
  accepts(backend: string, nowMs: number): boolean;
  /** Part of the latest attempts there that failed, 0 to 1. */
  failingShare(backend: string, nowMs: number): number;
  /** An attempt begins. */
  begin(backend: string, nowMs: number): void;
  /** It has got its first content. */
  answered(backend: string, nowMs: number): void;
  /** It has ended. */
  note(
    backend: string,
    verdict: AttemptOutcome | 'unreachable',
    nowMs: number,
    retryAfterMs?: number,
  ): void;
}

/** Whether another attempt may be made at all, so that retries cannot become a storm. */
export interface RetryBudget {
  /** Retries as a part of the requests of a backend, 0 to 1. */
  readonly ratio: number;
  /** A request was sent to the backend that no other had before. */
  count(backend: string, nowMs: number): void;
  /** Takes one retry from the budget of the backend that gets it; false when it is used up. */
  take(backend: string, nowMs: number): boolean;
}

/** Model servers that llmgate itself starts. */
export interface Engines {
  isManaged(backend: string): boolean;
  /** Rejects with a GateError when it does not run in time; `signal` ends the wait. */
  use(backend: string, signal: AbortSignal): Promise<{ end(): void }>;
}

/** Counts of what was done; never throws. */
export interface RequestMetrics {
  settled(fact: SettledFact): void;
  attempted(backend: string, outcome: AttemptOutcome, times: AttemptTimes): void;
}

/** What only somebody at a screen wants to know of finished requests. */
export interface RequestActivity {
  finished(row: FinishedRow, queueMs: number): void;
}
