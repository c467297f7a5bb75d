import type { Socket } from 'bun';
import type { Watch } from '../watchdog.ts';
import type { OriginPool } from './origin-pool.ts';
import { boundReceiveBuffer } from './receive-buffer.ts';
import { type Progress, ReplyParser } from './reply-parser.ts';
import { RequestWriter } from './request-writer.ts';
import type { FailureCause, FailureStage } from './send-failure.ts';
import type { ActiveSending } from './sending.ts';

type State = 'connecting' | 'abandoned' | 'idle' | 'busy' | 'closed';

/**
 * One socket to a backend and at most one request on it. It is its own deadline: `dueMs` is when
 * the request on it has waited long enough, or when it has been idle long enough.
 */
export class Connection implements Watch {
  dueMs = Number.POSITIVE_INFINITY;
  readonly #pool: OriginPool;
  readonly #parser = new ReplyParser();
  readonly #writer = new RequestWriter();
  #state: State = 'connecting';
  /** The TCP handshake is under way; nothing can stop it. */
  #dialing = true;
  #socket: Socket<Connection> | null = null;
  #openedMs = 0;
  #sending: ActiveSending | null;
  #totalDueMs = 0;
  #gotBytes = false;
  #isBounded = false;

  /** For a request that waits for the socket; `opened` or `dialFailed` follows. */
  constructor(pool: OriginPool, sending: ActiveSending) {
    this.#pool = pool;
    this.#sending = sending;
    sending.connection = this;
    const { connectMs, firstByteMs, totalMs } = sending.request.deadlines;
    this.#totalDueMs = sending.startMs + totalMs;
    this.dueMs = sending.startMs + Math.min(connectMs, firstByteMs, totalMs);
  }

  get abandoned(): boolean {
    return this.#state === 'abandoned';
  }

  // ── Asked by the pool ──────────────────────────────────────────────────────────────────────────

  /** Takes a request on an idle connection. False: this one is dead, and nothing was sent. */
  reuse(sending: ActiveSending): boolean {
    if (this.#state !== 'idle') return false;
    if (this.dueMs > sending.startMs && this.#begin(sending)) return true;
    this.close();
    return false;
  }

  /** Closes politely. No request may be on it. */
  close(): void {
    this.#leave()?.end();
  }

  /** Fails the request on it, if there is one, and closes. */
  shutDown(): void {
    if (this.#sending !== null) this.#fail('closed', 'the client was closed');
    else if (this.#state !== 'abandoned') this.close();
  }

  // ── Asked by the request ───────────────────────────────────────────────────────────────────────

  /** The backend must notice at once, so what is unsent or unread is dropped. */
  abandon(): void {
    this.#sending = null;
    this.#drop();
  }

  pause(): void {
    if (this.#state !== 'busy') return;
    this.#socket?.pause();
    this.dueMs = this.#totalDueMs;
  }

  resume(): void {
    if (this.#state !== 'busy') return;
    this.#socket?.resume();
    this.#awaitBytes(this.#pool.settings.clock.monotonicMs());
  }

  // ── Told by the socket ─────────────────────────────────────────────────────────────────────────

  /** The TCP handshake is over. With TLS nothing may be written yet. */
  connected(socket: Socket<Connection>): void {
    this.#dialing = false;
    this.#pool.reached();
    if (this.#state === 'connecting') {
      this.#socket = socket;
      return;
    }
    this.#leave();
    socket.terminate();
  }

  /** Ready to carry requests: connected and, with TLS, verified. */
  opened(): void {
    const sending = this.#sending;
    if (sending === null || this.#state !== 'connecting') return;
    this.#openedMs = this.#pool.settings.clock.monotonicMs();
    if (!this.#begin(sending)) this.#fail('closed', 'closed right after connecting');
    else if (sending.paused) this.pause();
  }

  dialFailed(cause: FailureCause, message: string): void {
    this.#dialing = false;
    if (this.#sending !== null) this.#fail(cause, message);
    else this.#leave();
  }

  received(bytes: Buffer): void {
    const sending = this.#sending;
    if (sending === null) {
      // Nothing was asked: the backend gave up on an idle connection, or disagrees on framing.
      this.#drop();
      return;
    }
    const nowMs = this.#pool.settings.clock.monotonicMs();
    this.#gotBytes = true;
    this.#awaitBytes(nowMs);
    let progress: Progress;
    try {
      progress = this.#parser.feed(bytes, sending.reader);
    } catch (error) {
      this.#pool.settings.onReaderError(error);
      if (!sending.over) this.#fail('closed', 'the reader of the reply threw');
      return;
    }
    if (!this.#isBounded && this.#parser.isEventStream) this.#boundUnread();
    if (progress === 'done') this.#complete(sending, nowMs, false);
    else if (progress === 'broken') this.#fail('protocol', this.#parser.problem);
  }

  drained(): void {
    const socket = this.#socket;
    if (socket !== null && this.#state === 'busy' && !this.#writer.finished) {
      this.#writer.flush(socket);
    }
  }

  /** The backend closed its side; Bun closes ours right after. */
  ended(): void {
    const sending = this.#sending;
    if (sending === null) this.#drop();
    else if (!this.#gotBytes) this.#fail('closed', 'closed by the backend without a reply');
    else if (this.#parser.finish() === 'done') this.#complete(sending, 0, true);
    else this.#fail('closed', this.#parser.problem);
  }

  /** The socket is gone; `error` when that was not by a FIN. */
  lost(error: string | null): void {
    if (this.#sending === null) this.#leave();
    else if (error === null) this.#fail('closed', 'closed by the backend');
    else this.#fail('reset', error);
  }

  /** TLS failed: no trust, or a broken record. */
  tlsBroke(message: string): void {
    if (this.#sending === null) this.#drop();
    else this.#fail('tls', message);
  }

  onDue(): void {
    const sending = this.#sending;
    if (sending === null) {
      if (this.#state === 'idle') this.close();
      return;
    }
    const { connectMs, firstByteMs, idleMs, totalMs } = sending.request.deadlines;
    if (this.#pool.settings.clock.monotonicMs() >= this.#totalDueMs) {
      this.#fail('total_timeout', `not finished after ${totalMs} ms`);
    } else if (this.#state === 'connecting') {
      this.#fail('connect_timeout', `no connection after ${Math.min(connectMs, firstByteMs)} ms`);
    } else if (this.#gotBytes) {
      this.#fail('idle_timeout', `silent for ${idleMs} ms in the middle of a reply`);
    } else {
      this.#fail('first_byte_timeout', `no reply after ${firstByteMs} ms`);
    }
  }

  // ── Inside ─────────────────────────────────────────────────────────────────────────────────────

  /** Writes the request. False: the socket is dead, and no byte of it was sent. */
  #begin(sending: ActiveSending): boolean {
    const socket = this.#socket;
    if (socket === null) return false;
    const { method, body, deadlines } = sending.request;
    this.#gotBytes = false;
    this.#parser.begin(method === 'HEAD');
    if (!this.#writer.begin(socket, sending.head, body)) return false;
    sending.hasBegun = true;
    this.#state = 'busy';
    this.#sending = sending;
    sending.connection = this;
    this.#totalDueMs = sending.startMs + deadlines.totalMs;
    this.#awaitBytes(sending.startMs);
    return true;
  }

  #boundUnread(): void {
    this.#isBounded = true;
    if (this.#socket !== null) boundReceiveBuffer(this.#socket);
  }

  #awaitBytes(nowMs: number): void {
    const sending = this.#sending;
    if (sending === null) return;
    const { firstByteMs, idleMs } = sending.request.deadlines;
    const dueMs = this.#gotBytes ? nowMs + idleMs : sending.startMs + firstByteMs;
    this.dueMs = sending.paused ? this.#totalDueMs : Math.min(dueMs, this.#totalDueMs);
  }

  /** The reply is whole. The connection is free before the reader hears, so that it can go on. */
  #complete(sending: ActiveSending, nowMs: number, closeDelimited: boolean): void {
    this.#release(sending);
    if (!this.#writer.finished) this.#drop();
    else if (closeDelimited || !this.#parser.keepAlive) this.close();
    else this.#rest(sending, nowMs);
    try {
      sending.reader.onEnd(closeDelimited);
    } catch (error) {
      this.#pool.settings.onReaderError(error);
    }
  }

  /** Waits for the next request, for less time than the backend does. */
  #rest(sending: ActiveSending, nowMs: number): void {
    const promisedMs = this.#parser.keepAliveMs ?? Number.POSITIVE_INFINITY;
    const marginMs = Math.min(1_000, promisedMs / 2);
    const youthMs = this.#openedMs + this.#pool.maxAgeMs - nowMs;
    const ttlMs = Math.min(this.#pool.settings.idleTtlMs, promisedMs - marginMs, youthMs);
    if (ttlMs <= 0) {
      this.close();
      return;
    }
    if (sending.paused) this.#socket?.resume();
    this.#state = 'idle';
    this.dueMs = nowMs + ttlMs;
    this.#pool.rest(this);
  }

  #fail(cause: FailureCause, problem: string): void {
    const sending = this.#sending;
    if (sending === null) return;
    const stage: FailureStage = this.#gotBytes
      ? 'broken_midway'
      : this.#writer.begun
        ? 'sent_nothing_read'
        : 'nothing_sent';
    this.#release(sending);
    this.#drop();
    // The other end has gone without a word, and with it perhaps all that is idle.
    const isSilent = cause === 'first_byte_timeout' || cause === 'reset';
    if (isSilent && stage === 'sent_nothing_read' && sending.reusedConnection) {
      this.#pool.closeIdle();
    }
    this.#pool.fail(sending, stage, cause, problem);
  }

  #release(sending: ActiveSending): void {
    sending.over = true;
    sending.connection = null;
    this.#sending = null;
  }

  /** Closes without ceremony, so that the backend notices at once. */
  #drop(): void {
    this.#parser.stop();
    if (this.#dialing) {
      this.#state = 'abandoned';
      this.dueMs = Number.POSITIVE_INFINITY;
      this.#pool.abandon();
    } else this.#leave()?.terminate();
  }

  /** Takes the connection out of everything; the socket is left to the caller to close. */
  #leave(): Socket<Connection> | null {
    const socket = this.#socket;
    this.#socket = null;
    this.#writer.drop();
    if (this.#state !== 'closed') {
      this.#pool.forget(this, this.#state === 'idle');
      this.#state = 'closed';
      this.dueMs = Number.POSITIVE_INFINITY;
    }
    return socket;
  }
}
