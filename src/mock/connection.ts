import type { Socket } from 'bun';
import { type HttpRequest, HttpSyntaxError } from './http-request.ts';
import { type Drip, Outbox } from './outbox.ts';
import { RequestParser } from './request-parser.ts';
import type { TimerWheel } from './timer-wheel.ts';

/** What a caller may send ahead of the answer it waits for. */
const MAX_AHEAD_BYTES = 1024 * 1024;

/** A request being answered. */
export interface Responder {
  start(): void;
  /** The caller's side of the connection is gone; nothing can be sent any more. */
  callerLeft(): void;
  /** The mock ends it. */
  stopped(): void;
  /** Everything written so far is with the kernel. */
  drained(): void;
}

export interface ConnectionHost {
  readonly wheel: TimerWheel;
  readonly maxBodyBytes: number;
  createResponder(request: HttpRequest, connection: Connection): Responder;
  refusedSyntax(error: HttpSyntaxError): void;
  closed(connection: Connection): void;
}

/** One TCP connection: bytes to requests, one request at a time, replies to bytes. */
export class Connection {
  readonly id: number;
  readonly #socket: Socket<unknown>;
  readonly #host: ConnectionHost;
  readonly #outbox: Outbox;
  readonly #parser: RequestParser;
  #responder: Responder | null = null;
  #requests = 0;
  #isReading = false;
  #isEnding = false;
  #isClosed = false;

  constructor(id: number, socket: Socket<unknown>, host: ConnectionHost) {
    this.id = id;
    this.#socket = socket;
    this.#host = host;
    this.#outbox = new Outbox(socket, host.wheel, () => this.#emptied());
    this.#parser = new RequestParser(host.maxBodyBytes, () =>
      this.send('HTTP/1.1 100 Continue\r\n\r\n'),
    );
  }

  /** How many requests have come on it so far. */
  get requests(): number {
    return this.#requests;
  }

  get backlogBytes(): number {
    return this.#outbox.backlogBytes;
  }

  received(bytes: Buffer): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#parser.push(bytes);
    if (this.#responder !== null) {
      if (this.#parser.bufferedBytes > MAX_AHEAD_BYTES) this.#socket.terminate();
      return;
    }
    this.#readRequests();
  }

  drained(): void {
    this.#outbox.drained();
  }

  /** The socket has closed, whoever closed it. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#outbox.close();
    const responder = this.#responder;
    this.#responder = null;
    responder?.callerLeft();
    this.#host.closed(this);
  }

  send(data: string | Uint8Array): void {
    this.#outbox.write(data);
  }

  setDrip(drip: Drip | null): void {
    this.#outbox.setDrip(drip);
  }

  /** The reply is out and the connection may carry another request. */
  replyEnded(): void {
    this.#responder = null;
    this.#outbox.setDrip(null);
    if (!this.#isReading) this.#readRequests();
  }

  /** Sends FIN once everything before it is out. */
  end(): void {
    this.#responder = null;
    this.#isEnding = true;
    if (this.#outbox.backlogBytes === 0) this.#socket.end();
  }

  /** Closes with RST. What the kernel has not sent yet is lost. */
  reset(): void {
    this.#responder = null;
    this.#isEnding = true;
    this.#socket.terminate();
  }

  stop(): void {
    this.#responder?.stopped();
    this.reset();
  }

  #emptied(): void {
    if (this.#isEnding) this.#socket.end();
    else this.#responder?.drained();
  }

  #readRequests(): void {
    this.#isReading = true;
    try {
      while (this.#responder === null && !this.#isEnding && !this.#isClosed) {
        const request = this.#parser.next();
        if (request === null) break;
        this.#requests++;
        this.#responder = this.#host.createResponder(request, this);
        this.#responder.start();
      }
    } catch (cause) {
      if (!(cause instanceof HttpSyntaxError)) throw cause;
      this.#host.refusedSyntax(cause);
      const body = `${cause.message}\n`;
      this.send(
        `HTTP/1.1 ${cause.status} Bad Request\r\nconnection: close\r\n` +
          `content-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      this.end();
    } finally {
      this.#isReading = false;
    }
  }
}
