import type { Clock } from '../../core/clock.ts';
import { ActiveRequest } from './active-request.ts';
import { CallerGone, type CallerRequest, type ReplyFields } from './caller-request.ts';
import { type DateLine, renderReplyHead } from './reply-head.ts';
import { RequestProblem } from './request-head.ts';
import { RequestHeadMemory } from './request-head-memory.ts';
import { type ByteSink, SocketWriter } from './socket-writer.ts';

export const HEAD_BYTES_MAX = 65_536;

/** Requests sent ahead of their turn; past it the caller waits in its own system's memory. */
const AHEAD_BYTES_MAX = 65_536;

/** For the caller of a last reply to read it and to stop sending. */
const LINGER_MS = 2_000;

const BLANK_LINE = Buffer.from('\r\n\r\n');
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const CLOSE = 'connection: close\r\n';

/** The part of a socket that a connection needs. */
export interface CallerSocket extends ByteSink {
  readonly remoteAddress: string;
  pause(): void;
  resume(): void;
  /** Ends our side and goes on reading. */
  shutdown(): void;
  /** Closes politely; `terminate` does not. */
  end(): void;
  terminate(): void;
}

/** What the server tells a caller that sent no request. */
export interface ProblemReply {
  readonly fields: ReplyFields;
  readonly body: string;
}

export interface ConnectionSettings {
  readonly clock: Clock;
  readonly dates: DateLine;
  /** Silence tolerated between requests and inside a body. */
  readonly quietMs: number;
  /** The longest that a head may take to arrive. */
  readonly headMs: number;
  readonly isStopping: () => boolean;
  readonly handle: (request: CallerRequest) => void;
  readonly renderProblem: (problem: RequestProblem) => ProblemReply;
  readonly onFault: (error: unknown) => void;
  readonly onClosed: (connection: CallerConnection) => void;
}

/**
 * `head`: between requests, or inside a head. `body`: a request was handed over, its body is on the
 * way. `reply`: all of it is here. `closing`: the last reply is written; what comes is thrown away.
 */
type Phase = 'head' | 'body' | 'reply' | 'closing' | 'closed';

/** One socket of a caller. Its requests are read and answered one after another. */
export class CallerConnection {
  /** On the monotonic clock: when the caller has been silent for too long. */
  dueMs: number;
  /** Where the server keeps it. */
  place = 0;
  readonly #socket: CallerSocket;
  readonly #settings: ConnectionSettings;
  readonly #memory = new RequestHeadMemory();
  readonly #writer = new SocketWriter();
  #phase: Phase = 'head';
  #request: ActiveRequest | undefined;
  /** What came before its turn: the beginning of a head, or requests sent ahead. */
  #ahead: Buffer | undefined;
  #isReading = false;
  #isPaused = false;

  constructor(socket: CallerSocket, settings: ConnectionSettings) {
    this.#socket = socket;
    this.#settings = settings;
    // Nothing has been said yet, not even a TLS greeting.
    this.dueMs = settings.clock.monotonicMs() + settings.headMs;
  }

  get address(): string {
    return this.#socket.remoteAddress;
  }

  // ── Told by the socket ─────────────────────────────────────────────────────────────────────────

  received(bytes: Buffer): void {
    const ahead = this.#ahead;
    if (ahead === undefined) {
      this.#read(bytes);
      return;
    }
    this.#ahead = undefined;
    this.#read(Buffer.concat([ahead, bytes]));
  }

  drained(): void {
    this.#writer.drain(this.#socket);
    if (this.#phase === 'head' || this.#phase === 'closing') this.#awaitCaller();
    if (!this.#writer.isDrained) return;
    if (this.#phase === 'closing') this.#socket.shutdown();
    else if (this.#phase === 'head') this.#goOn();
    else this.#request?.onDrained?.();
  }

  /** The socket is gone. */
  lost(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#ahead = undefined;
    this.#writer.drop();
    this.#settings.onClosed(this);
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) return;
    if (!request.body.isWhole) request.body.break(new CallerGone());
    request.onGone?.();
  }

  // ── Told by the server ─────────────────────────────────────────────────────────────────────────

  /** Closes now, whatever is on it. */
  kill(): void {
    if (this.#phase === 'closed') return;
    this.#socket.terminate();
    this.lost();
  }

  /** The caller was silent for too long. */
  expire(): void {
    if (this.isIdle) this.closeIdle();
    else this.kill();
  }

  /** Closes a connection between two requests. */
  closeIdle(): void {
    if (!this.isIdle) return;
    this.#socket.end();
    this.lost();
  }

  /** Between two requests, with nothing left to write. */
  get isIdle(): boolean {
    return this.#phase === 'head' && this.#ahead === undefined && this.#writer.isDrained;
  }

  // ── Asked by the request ───────────────────────────────────────────────────────────────────────

  awaitBody(request: ActiveRequest): void {
    if (this.#request !== request) return;
    if (request.head.expectsContinue && !request.body.hasBegun) {
      this.#writer.write(this.#socket, CONTINUE, '');
    }
    this.#resume();
  }

  sendWhole(request: ActiveRequest, head: string, body: Uint8Array | string): void {
    if (this.#request !== request) return;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const text = `${head}${this.#ownFields(request)}content-length: ${length}\r\n\r\n`;
    this.#writer.write(this.#socket, text, request.head.method === 'HEAD' ? '' : body);
    this.#finish(request);
  }

  /** `head` comes with the first bytes. False when the caller reads too slowly. */
  sendPart(request: ActiveRequest, head: string, bytes: Uint8Array): boolean {
    if (this.#request !== request) return true;
    this.#send(request, head, bytes, false);
    return !this.#writer.isCrowded;
  }

  sendEnd(request: ActiveRequest, head: string, last: Uint8Array | null): void {
    if (this.#request !== request) return;
    this.#send(request, head, last, true);
    this.#finish(request);
  }

  tear(request: ActiveRequest): void {
    if (this.#request !== request) return;
    this.#request = undefined;
    this.kill();
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────────

  #read(bytes: Buffer): void {
    let at = 0;
    this.#isReading = true;
    try {
      while (at < bytes.length && at >= 0) at = this.#take(bytes, at);
    } catch (cause) {
      at = bytes.length;
      if (cause instanceof RequestProblem) this.#refuse(cause);
      else this.#fault(cause);
    }
    this.#isReading = false;
  }

  /** Where to go on; -1 when the rest has to wait. */
  #take(bytes: Buffer, at: number): number {
    if (this.#phase === 'body') return this.#takeBody(bytes, at);
    if (this.#phase === 'reply') return this.#keepAhead(bytes, at);
    if (this.#phase !== 'head') return bytes.length;
    // Who does not read its replies gets no more of them.
    return this.#writer.isDrained ? this.#takeHead(bytes, at) : this.#keepAhead(bytes, at);
  }

  #keepAhead(bytes: Buffer, at: number): number {
    this.#ahead = at === 0 ? bytes : bytes.subarray(at);
    if (this.#ahead.length > AHEAD_BYTES_MAX) this.#pause();
    return -1;
  }

  #takeHead(bytes: Buffer, from: number): number {
    const start = skipLineBreak(bytes, from);
    const blank = bytes.indexOf(BLANK_LINE, start);
    const size = (blank < 0 ? bytes.length : blank) - start;
    if (size > HEAD_BYTES_MAX)
      throw new RequestProblem(431, 'The head of the request is too long.');
    if (blank < 0) {
      checkBeginning(bytes, start);
      // Counted from its first byte, or a caller could send one byte at a time for ever.
      const dueMs = this.#settings.clock.monotonicMs() + this.#settings.headMs;
      this.dueMs = Math.min(this.dueMs, dueMs);
      return this.#keepAhead(bytes, from);
    }
    const head = this.#memory.read(bytes.toString('latin1', start, blank + 2));
    const request = new ActiveRequest(this, head);
    let end = blank + BLANK_LINE.length;
    if (!request.body.isWhole) {
      request.body.take(bytes, end);
      end = request.body.isWhole ? request.body.end : bytes.length;
    }
    this.#request = request;
    this.#enterBody(request);
    this.#settings.handle(request);
    return end;
  }

  #takeBody(bytes: Buffer, from: number): number {
    const request = this.#request;
    if (request === undefined) return bytes.length;
    request.body.take(bytes, from);
    this.#enterBody(request);
    if (!request.body.isWhole) return bytes.length;
    request.body.deliver();
    return request.body.end;
  }

  #enterBody(request: ActiveRequest): void {
    if (request.body.isWhole) {
      this.#phase = 'reply';
      // Models may think for minutes: who handles the request watches over that.
      this.dueMs = Number.POSITIVE_INFINITY;
      return;
    }
    this.#phase = 'body';
    this.#awaitCaller();
    if (request.body.isFull) this.#pause();
  }

  /** What came is no request, or not the body it should be. Nothing after it can be trusted. */
  #refuse(problem: RequestProblem): void {
    const request = this.#request;
    if (request !== undefined) {
      request.isLast = true;
      this.#phase = 'closing';
      this.#awaitCaller();
      request.body.break(problem);
      return;
    }
    const { fields, body } = this.#settings.renderProblem(problem);
    const dates = this.#settings.dates.at(this.#settings.clock.nowMs());
    const head = `${renderReplyHead(problem.status, fields)}${CLOSE}${dates}`;
    const length = Buffer.byteLength(body);
    this.#writer.write(this.#socket, `${head}content-length: ${length}\r\n\r\n`, body);
    this.#close();
  }

  #fault(cause: unknown): void {
    this.#settings.onFault(cause);
    this.#request = undefined;
    this.kill();
  }

  // ── Answering ──────────────────────────────────────────────────────────────────────────────────

  #send(request: ActiveRequest, head: string, bytes: Uint8Array | null, isLast: boolean): void {
    const { isOld, method } = request.head;
    let text = head;
    if (head !== '') {
      // HTTP/1.0 knows the end of such a body only by the end of the connection.
      if (isOld) request.isLast = true;
      text += this.#ownFields(request);
      text += isOld ? '\r\n' : 'transfer-encoding: chunked\r\n\r\n';
    }
    if (method === 'HEAD') this.#writer.write(this.#socket, text, '');
    else if (isOld) this.#writer.write(this.#socket, text, bytes ?? '');
    else this.#writer.writeChunk(this.#socket, text, bytes, isLast);
  }

  #ownFields(request: ActiveRequest): string {
    const dates = this.#settings.dates.at(this.#settings.clock.nowMs());
    // Whoever has not sent its body by now will not be read any more.
    if (this.#phase !== 'reply' || this.#settings.isStopping()) request.isLast = true;
    return request.isLast ? CLOSE + dates : dates;
  }

  /** The whole reply is handed over: on to the next request, or to the end. */
  #finish(request: ActiveRequest): void {
    this.#request = undefined;
    if (request.isLast || this.#settings.isStopping()) {
      this.#close();
      return;
    }
    this.#phase = 'head';
    this.#awaitCaller();
    // What was sent ahead is read by the loop that runs, or by one of its own.
    if (this.#ahead !== undefined && !this.#isReading) queueMicrotask(() => this.#goOn());
  }

  #goOn(): void {
    const ahead = this.#ahead;
    if (ahead === undefined || this.#phase !== 'head') return;
    this.#ahead = undefined;
    this.#resume();
    this.#read(ahead);
  }

  /** Closing with bytes unread would reset the connection, and the caller would not see the reply. */
  #close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closing';
    this.#ahead = undefined;
    this.dueMs = this.#settings.clock.monotonicMs() + LINGER_MS;
    this.#resume();
    if (this.#writer.isDrained) this.#socket.shutdown();
  }

  #awaitCaller(): void {
    this.dueMs = this.#settings.clock.monotonicMs() + this.#settings.quietMs;
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}

/** RFC 9112 §2.2: some clients send a line break too many after a body. */
function skipLineBreak(bytes: Buffer, at: number): number {
  return bytes[at] === 0x0d && bytes[at + 1] === 0x0a ? at + 2 : at;
}

/** Refuses early what no further byte can turn into a request, such as a TLS greeting. */
function checkBeginning(bytes: Buffer, start: number): void {
  const first = bytes[start];
  const isMethod = first === undefined || first === 0x0d || (first > 0x20 && first < 0x7f);
  if (!isMethod) throw new RequestProblem(400, 'The request is not HTTP/1.1.');
}
