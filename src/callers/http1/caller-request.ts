import type { CallerHeaders } from './caller-headers.ts';
import type { RequestFraming } from './request-head.ts';

/** Names in lower case; values in Latin-1, without line breaks. */
export type ReplyFields = Readonly<Record<string, string>>;

export type CountBytes = (sizeBytes: number) => void;

/** One request of a caller. It is answered once: by `reply`, or by `begin`. */
export interface CallerRequest {
  readonly method: string;
  /** As sent: a path with its query, or a whole URL. */
  readonly target: string;
  /** Neither decoded nor resolved, without the query. */
  readonly path: string;
  /** What follows the `?`; empty when there is none. */
  readonly query: string;
  readonly headers: CallerHeaders;
  readonly framing: RequestFraming;
  /** At the other end of the connection. */
  readonly address: string;
  /** Called once when the connection is lost before the whole reply was written; never after. */
  onGone: (() => void) | undefined;
  /**
   * The whole body: at once when all of it has arrived. Throws or rejects BodyTooLarge beyond
   * `maxBytes`, CallerGone when the caller leaves, RequestProblem for broken framing. Asked once.
   * `count` gets the size of what comes of a chunked body, and may throw to have no more of it.
   */
  readBody(maxBytes: number, count?: CountBytes): Uint8Array | Promise<Uint8Array>;
  /** The connection carries no request after this one. Before the reply. */
  closeAfter(): void;
  /** Throws for a field that is no header. Does nothing when the caller is gone. */
  reply(status: number, fields: ReplyFields, body: Uint8Array | string): void;
  /** Begins a reply whose body is written while it is made; its head leaves with the first bytes. */
  begin(status: number, fields: ReplyFields): BodyWriter;
}

/** Every write leaves at once, as one chunk. After the caller has left, nothing happens. */
export interface BodyWriter {
  /** False when the caller reads too slowly: stop until `onDrained`. The bytes are kept. */
  write(bytes: Uint8Array): boolean;
  onDrained: (() => void) | undefined;
  /** The last bytes, if any, and the end of the body, in one write. */
  end(last: Uint8Array | null): void;
  /** Closes the connection without the end that the framing promises. `onGone` is not called. */
  tear(): void;
}

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

export class CallerGone extends Error {
  override readonly name = 'CallerGone';
}
