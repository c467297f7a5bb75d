import type { CallerHeaders } from './caller-headers.ts';
import type { BodyWriter, CallerRequest, CountBytes, ReplyFields } from './caller-request.ts';
import type { CallerConnection } from './connection.ts';
import { renderReplyHead } from './reply-head.ts';
import { RequestBody } from './request-body.ts';
import type { RequestFraming, RequestHead } from './request-head.ts';

/**
 * One request on its connection, and the writer of its reply. It may outlive the connection's
 * interest in it: what comes late does nothing.
 */
export class ActiveRequest implements CallerRequest, BodyWriter {
  readonly head: RequestHead;
  readonly body: RequestBody;
  onGone: (() => void) | undefined;
  onDrained: (() => void) | undefined;
  isLast: boolean;
  readonly #connection: CallerConnection;
  /** The head of a reply that has begun, until its first bytes leave with it. */
  #unsentHead = '';

  constructor(connection: CallerConnection, head: RequestHead) {
    this.#connection = connection;
    this.head = head;
    this.body = new RequestBody(head.framing);
    this.isLast = !head.keepAlive;
  }

  get method(): string {
    return this.head.method;
  }

  get target(): string {
    return this.head.target;
  }

  get path(): string {
    return this.head.path;
  }

  get query(): string {
    return this.head.query;
  }

  get headers(): CallerHeaders {
    return this.head.headers;
  }

  get framing(): RequestFraming {
    return this.head.framing;
  }

  get address(): string {
    return this.#connection.address;
  }

  readBody(maxBytes: number, count?: CountBytes): Uint8Array | Promise<Uint8Array> {
    const body = this.body.read(maxBytes, this.framing === 'chunked' ? count : undefined);
    if (body instanceof Promise) this.#connection.awaitBody(this);
    return body;
  }

  closeAfter(): void {
    this.isLast = true;
  }

  reply(status: number, fields: ReplyFields, body: Uint8Array | string): void {
    this.#connection.sendWhole(this, renderReplyHead(status, fields), body);
  }

  begin(status: number, fields: ReplyFields): BodyWriter {
    this.#unsentHead = renderReplyHead(status, fields);
    return this;
  }

  write(bytes: Uint8Array): boolean {
    const head = this.#unsentHead;
    this.#unsentHead = '';
    return this.#connection.sendPart(this, head, bytes);
  }

  end(last: Uint8Array | null): void {
    const head = this.#unsentHead;
    this.#unsentHead = '';
    this.#connection.sendEnd(this, head, last);
  }

  tear(): void {
    this.#connection.tear(this);
  }
}
