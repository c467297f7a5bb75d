import type { Endpoint } from '../core/call.ts';
import type { ErrorCode } from '../core/error.ts';
import type { AttemptOutcome } from '../observe/metrics/request-fact.ts';
import type { GpuLease } from '../pricing/gpu-share.ts';
import type { Target } from '../routing/model-table.ts';
import type { LeaseResult, ReplicaLease } from '../routing/scheduling.ts';
import { BackendReply } from './backend-reply.ts';
import type { UsageSoFar } from './exchange.ts';
import type { Gate } from './gate.ts';

/**
 * One request to one backend, from the place it was given until its answer has ended. Whatever it
 * took is given back by `end`, which every way out of it calls and which counts once.
 */
export class Attempt {
  readonly target: Target;
  readonly lease: ReplicaLease;
  readonly startedAtMs: number;
  readonly startedMs: number;
  readonly reply = new BackendReply();
  /** Its share of the backend's time, where that costs money. */
  readonly gpuLease: GpuLease | undefined;
  /** Keeps a model server of ours running. */
  engine: { end(): void } | undefined;
  endedMs: number | undefined;
  /** False while no byte of the request can have been processed. */
  reached = false;
  firstTokenMs: number | undefined;
  /** Set by the meter of a streamed answer. */
  usageSoFar: (() => UsageSoFar) | undefined;
  code: ErrorCode | null = null;
  status: number | null = null;
  /** What the backend was told as the parent of its spans; undefined when it was told nothing. */
  spanId: string | undefined;
  readonly #gate: Gate;
  readonly #endpoint: Endpoint;

  constructor(gate: Gate, lease: ReplicaLease, endpoint: Endpoint) {
    this.#gate = gate;
    this.#endpoint = endpoint;
    this.lease = lease;
    this.target = lease.target;
    this.startedAtMs = gate.clock.nowMs();
    this.startedMs = gate.clock.monotonicMs();
    const { price, backend } = lease.target;
    // Time is counted where it costs money.
    const isTimed = price !== null && price.gpuHour !== 0;
    this.gpuLease = isTimed ? gate.gpuShares.begin(backend) : undefined;
  }

  /** The request goes out now. */
  begin(): void {
    this.reached = true;
    this.#gate.health.begin(this.target.backend, this.startedMs);
  }

  get isOpen(): boolean {
    return this.endedMs === undefined;
  }

  /** The first content has come. */
  sawContent(): void {
    if (this.firstTokenMs !== undefined) return;
    this.firstTokenMs = this.#gate.clock.monotonicMs();
    this.lease.firstToken(this.firstTokenMs);
    this.#gate.health.answered(this.target.backend, this.firstTokenMs);
  }

  /** `code` says why it did not serve; null when it did. The first call counts. */
  end(outcome: AttemptOutcome, code: ErrorCode | null, retryAfterMs?: number): void {
    if (this.endedMs !== undefined) return;
    const nowMs = this.#gate.clock.monotonicMs();
    this.endedMs = nowMs;
    this.code = code;
    this.gpuLease?.end();
    this.engine?.end();
    const verdict = outcome === 'failed' && !this.reached ? 'unreachable' : outcome;
    // Before the place is given back: the next one in line should not get what has just failed.
    const wasUsed = this.reached || outcome !== 'cancelled';
    if (wasUsed) this.#gate.health.note(this.target.backend, verdict, nowMs, retryAfterMs);
    this.lease.end(LEASE_RESULTS[outcome], nowMs);
    this.#gate.metrics.attempted(this.target.backend, outcome, {
      endpoint: this.#endpoint,
      model: this.target.publicModel,
      durationMs: nowMs - this.startedMs,
      ttftMs: this.firstTokenMs === undefined ? null : this.firstTokenMs - this.startedMs,
    });
  }

  /** Another attempt answered first, or nobody waits any more: closes the connection. */
  giveUp(): void {
    this.reply.discard();
    this.end('cancelled', 'caller_gone');
  }
}

const LEASE_RESULTS: Readonly<Record<AttemptOutcome, LeaseResult>> = {
  ok: 'ok',
  failed: 'failed',
  busy: 'failed',
  warming: 'failed',
  refused: 'ok',
  cancelled: 'cancelled',
};
