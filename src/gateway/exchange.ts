import { GateError, traitsOf } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Outcome } from '../core/outcome.ts';
import { NO_USAGE, type Usage, type UsageSource } from '../core/usage.ts';
import type { Admission } from '../limits/limiter.ts';
import type { TraceContext } from '../observe/traces/trace-context.ts';
import type { AmountDue } from '../pricing/amount-due.ts';
import type { Hold } from '../pricing/budgets.ts';
import type { Route } from '../protocols/route.ts';
import type { Model } from '../routing/model-table.ts';
import type { ReplicaLease } from '../routing/scheduling.ts';
import type { Attempt } from './attempt.ts';
import { CallerStream } from './caller-stream.ts';
import type { Gate, Generation } from './gate.ts';
import { type Capture, type ConnectionWatch, QUIET_CONNECTION_SECONDS } from './ports.ts';
import type { Call } from './read.ts';
import type { ReplyHeaderFields } from './reply-headers.ts';
import type { Tags } from './request-tags.ts';
import { settle } from './settle.ts';

/** What a request has used up to now, and who counted it. */
export interface UsageSoFar {
  readonly usage: Usage;
  readonly source: UsageSource;
  /** True once the backend has produced something that is owed for. */
  readonly produced: boolean;
}

/** A decision on the way of a request, milliseconds after it arrived. */
export interface Note {
  readonly atMs: number;
  readonly text: string;
}

const NOTES_MAX = 50;

type StartWait<T> = (resolve: (value: T) => void, reject: (error: GateError) => void) => () => void;

const utf8 = new TextEncoder();

/**
 * One request from its first byte to its last, and everything taken for it on the way.
 *
 * The stages fill it in their order. Whatever ends the request calls `finish`; several ends race
 * for it (the stream completes, the caller leaves, the backend breaks, the gateway drains) and the
 * first one wins. What was taken is given back there and nowhere else.
 */
export class Exchange {
  readonly gate: Gate;
  generation: Generation;
  readonly request: Request;
  readonly route: Route;
  readonly id: string;
  readonly startedAtMs: number;
  readonly startedMs: number;

  caller: Key | undefined;
  call: Call | undefined;
  model: Model | undefined;
  admission: Admission | undefined;
  hold: Hold | undefined;
  heldNanoUsd: NanoUsd = ZERO_USD;
  /** What it is booked under; the caller's own tags included. */
  tags: Tags = {};
  /** Output tokens per choice that the backend is told to stop at; null says nothing. */
  outputLimit: number | null = null;
  /** What no target that may answer can pass; null when one of them has not said. */
  longestContextTokens: number | null = null;
  /** Where the content goes, when it is kept. */
  capture: Capture | undefined;
  /** Where `InFlight` keeps it. */
  place = 0;
  /** A place at a backend that no attempt has used yet. */
  lease: ReplicaLease | undefined;
  /** Hashes of the prompt's beginnings, once somebody has asked for them. */
  prefix: Uint32Array | undefined;
  readonly attempts: Attempt[] = [];
  /** The attempt whose answer the caller gets. */
  serving: Attempt | undefined;
  /** Decisions that `explain` tells; undefined for a request that went the usual way. */
  notes: Note[] | undefined;
  /** Output tokens that llmgate counted itself, as far as the answer was read. */
  outputTokensCounted = 0;
  /** True once the caller holds a 200, and an end can only be told inside the body. */
  replyHasBegun = false;
  /** What settlement found to be owed; undefined before it. */
  due: AmountDue | undefined;
  /** The trace it belongs to, once somebody has asked; never where nothing is traced. */
  trace: TraceContext | undefined;
  /** Bytes of its body in memory. */
  bytesTaken = 0;
  /** The address it is counted under, where that is bounded. */
  countedAddress: string | undefined;
  readonly #connections: ConnectionWatch;
  /** Waits that are over, and since when one is not. */
  #waitedMs = 0;
  #waitsSinceMs: number | undefined;
  #retriesDenied = false;
  #maySilenceLast = false;
  #stoppedBy: GateError | undefined;
  #finishing: Promise<void> | undefined;
  #stream: CallerStream | undefined;
  #endWait: ((error: GateError) => void) | undefined;
  /** Answers the caller while the request is still waiting; set by the spine. */
  #respond: ((response: Response) => void) | undefined;

  constructor(request: Request, route: Route, gate: Gate, connections: ConnectionWatch) {
    this.request = request;
    this.route = route;
    this.gate = gate;
    this.#connections = connections;
    this.generation = gate.generation;
    this.id = gate.requestIds();
    this.startedAtMs = gate.clock.nowMs();
    this.startedMs = gate.clock.monotonicMs();
    gate.inFlight.add(this);
    gate.counters.requests += 1;
  }

  /** The attempt that serves, or else the last one made. */
  get attempt(): Attempt | undefined {
    return this.serving ?? this.attempts.at(-1);
  }

  /** The backend that serves, or else the one asked last; null until one was. */
  get backend(): string | null {
    return this.attempt?.target.backend ?? null;
  }

  /** The answer as the caller gets it while it is made. */
  get stream(): CallerStream {
    this.#stream ??= new CallerStream(this);
    return this.#stream;
  }

  /** Milliseconds in line, for a model server to start or before another attempt, up to now. */
  get queueMs(): number {
    if (this.#waitsSinceMs === undefined) return this.#waitedMs;
    return this.#waitedMs + (this.gate.clock.monotonicMs() - this.#waitsSinceMs);
  }

  /** When the first content of the caller's answer came. */
  get firstTokenMs(): number | undefined {
    return this.serving?.firstTokenMs;
  }

  /** What the answer has used up to now, when it is a stream. */
  get usageSoFar(): (() => UsageSoFar) | undefined {
    return this.serving?.usageSoFar;
  }

  /** Milliseconds spent on backends, all attempts summed, the open one up to now. */
  backendMs(): number {
    let sumMs = 0;
    for (const { startedMs, endedMs } of this.attempts) {
      sumMs += (endedMs ?? this.gate.clock.monotonicMs()) - startedMs;
    }
    return sumMs;
  }

  get isFinished(): boolean {
    return this.#finishing !== undefined;
  }

  /** The address at the other end of the connection; null when it is gone. */
  callerAddress(): string | null {
    return this.#connections.requestIP(this.request)?.address ?? null;
  }

  /**
   * Counts bytes that this request keeps in memory. Throws 503 when there are too many, and what
   * ended the request: a body that goes on coming after that is nobody's.
   */
  takeBytes(sizeBytes: number): void {
    this.throwIfStopped();
    this.gate.load.takeBytes(sizeBytes, this.generation.overload);
    this.bytesTaken += sizeBytes;
  }

  /** Milliseconds since the request arrived. */
  elapsedMs(): number {
    return this.gate.clock.monotonicMs() - this.startedMs;
  }

  /** Milliseconds until `timeouts.total` is over; 0 when it is. */
  leftMs(): number {
    return Math.max(0, this.generation.totalMs - this.elapsedMs());
  }

  /**
   * The only exit. The first call settles; every call returns the same promise, which resolves
   * when the row is durable and never rejects: a failing store is counted and logged in there.
   */
  finish(outcome: Outcome, status: number): Promise<void> {
    if (this.#finishing === undefined) {
      // From here on a silent connection is only taking room.
      if (this.#maySilenceLast) this.#connections.timeout(this.request, QUIET_CONNECTION_SECONDS);
      this.#finishing = settle(this, outcome, status);
    }
    return this.#finishing;
  }

  /**
   * The caller has said everything. Models may think for minutes, so now our own deadlines watch
   * over the request and not the server's, which ends callers who send their request too slowly.
   */
  awaitAnswer(): void {
    this.#connections.timeout(this.request, 0);
    this.#maySilenceLast = true;
  }

  /** Ends the request because of an error: `cut` when something was produced, else `refused`. */
  fail(error: GateError): Promise<void> {
    const byCaller = error.code === 'caller_gone';
    // A caller who leaves after dispatch has made a GPU read the prompt; a backend that broke
    // before it produced anything has earned nothing.
    const isAtWork = ({ isOpen, reply, status }: Attempt) =>
      isOpen && reply.sending?.hasBegun === true && (status === null || status === 200);
    // Of two attempts beside each other the one that works for the caller is owed for.
    if (byCaller) this.serving ??= this.attempts.find(isAtWork);
    else
      this.serving ??= this.attempts.find((each) => each.isOpen && each.firstTokenMs !== undefined);
    const soFar = this.#usageNow();
    const owed = byCaller ? this.serving !== undefined : soFar.produced;
    const outcome: Outcome = owed
      ? { kind: 'cut', by: byCaller ? 'caller' : 'backend', code: error.code, ...soFar }
      : { kind: 'refused', code: error.code };
    // Once a stream has begun the caller holds a 200, whatever ends it.
    const status = this.replyHasBegun ? 200 : traitsOf(error.code).status;
    return this.finish(outcome, status);
  }

  /** The caller's connection is gone: nobody will read what the backend still makes. */
  callerGone(): void {
    if (this.isFinished) return;
    this.stop(new GateError('caller_gone', 'The caller left.'));
  }

  /** Settles, closes the backend connections and wakes whatever waits with the error. */
  stop(error: GateError): void {
    this.#stoppedBy ??= error;
    void this.fail(error);
    this.#endWait?.(error);
    for (const { reply } of this.attempts) reply.break(error);
  }

  /**
   * Waits for something that may take long. `start` gets what ends the wait and returns what calls
   * it off; whatever ends the request ends the wait first.
   */
  wait<T>(start: StartWait<T>): Promise<T> {
    if (this.#stoppedBy !== undefined) return Promise.reject(this.#stoppedBy);
    this.#waitsSinceMs = this.gate.clock.monotonicMs();
    return new Promise<T>((resolve, reject) => {
      const callOff = start(
        (value) => {
          this.#endsWaiting();
          resolve(value);
        },
        (error) => {
          this.#endsWaiting();
          reject(error);
        },
      );
      this.#endWait = (error) => {
        this.#endsWaiting();
        callOff();
        reject(error);
      };
    });
  }

  #endsWaiting(): void {
    this.#waitedMs = this.queueMs;
    this.#waitsSinceMs = undefined;
    this.#endWait = undefined;
  }

  /** `respond` may be called with a reply before the spine itself has one. */
  mayRespondEarly(respond: (response: Response) => void): void {
    this.#respond = respond;
  }

  /**
   * Sends the head of a stream before there is anything to put into it, so that a caller who waits
   * long is not taken for dead by what is in between. Then writes a comment.
   */
  keepAlive(headers: () => ReplyHeaderFields, words: string): void {
    const { stream } = this;
    if (!this.replyHasBegun) {
      this.replyHasBegun = true;
      this.#respond?.(new Response(stream.body(), { headers: headers() }));
    }
    // Readers of event streams skip comments.
    stream.write(utf8.encode(`: ${words}\n\n`));
  }

  /** Remembers a decision for `explain`. */
  note(text: string): void {
    this.notes ??= [];
    if (this.notes.length < NOTES_MAX) this.notes.push({ atMs: this.elapsedMs(), text });
  }

  /** For stages that have waited: throws what ended the request meanwhile. */
  throwIfStopped(): void {
    if (this.#stoppedBy !== undefined) throw this.#stoppedBy;
  }

  /**
   * Asking again has been tried here, or would make a storm: the client of the caller should not add
   * tries of its own.
   */
  get retriesAreSpent(): boolean {
    return this.#retriesDenied || this.attempts.filter(({ reached }) => reached).length > 1;
  }

  denyRetries(): void {
    this.#retriesDenied = true;
  }

  /** Usage as known now; the input estimate alone when no meter is at work yet. */
  #usageNow(): UsageSoFar {
    const { usageSoFar } = this;
    if (usageSoFar !== undefined) return usageSoFar();
    const inputTokens = this.call?.shape.inputTokens ?? 0;
    return { usage: { ...NO_USAGE, inputTokens }, source: 'counted', produced: false };
  }
}
