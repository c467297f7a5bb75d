import type { GateError } from '../core/error.ts';
import { failureToError } from './backend-failure.ts';
import type { ReplyHead, ReplyReader, SendFailure, Sending } from './ports.ts';

/** Where the bytes of an answer go once somebody wants them. */
export interface BodySink {
  onData(bytes: Uint8Array): void;
  onEnd(closeDelimited: boolean): void;
  onBroken(error: GateError): void;
}

type Ending = { readonly closeDelimited: boolean } | { readonly error: GateError };

/** Kept while nobody reads yet; beyond it the backend is told to wait. */
const UNREAD_BYTES_MAX = 256 * 1024;

/**
 * The answer of one attempt. Turns the sender's callbacks into a promise for the head and a flow
 * for the body, keeping what arrives before the body has a reader.
 */
export class BackendReply implements ReplyReader {
  readonly head: Promise<ReplyHead | SendFailure>;
  sending: Sending | undefined;
  #resolveHead: (head: ReplyHead | SendFailure) => void;
  #rejectHead: (error: GateError) => void;
  #headSeen = false;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #ending: Ending | undefined;
  #sink: BodySink | undefined;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<ReplyHead | SendFailure>();
    this.head = promise;
    this.#resolveHead = resolve;
    this.#rejectHead = reject;
  }

  onHead(head: ReplyHead): void {
    this.#headSeen = true;
    this.#resolveHead(head);
  }

  onData(bytes: Uint8Array): void {
    if (this.#ending !== undefined) return;
    if (this.#sink !== undefined) return this.#sink.onData(bytes);
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.byteLength;
    if (this.#unreadBytes > UNREAD_BYTES_MAX) this.pause();
  }

  onEnd(closeDelimited: boolean): void {
    this.#end({ closeDelimited });
  }

  onFailure(failure: SendFailure): void {
    if (!this.#headSeen) return this.#resolveHead(failure);
    this.#end({ error: failureToError(failure) });
  }

  /** Ends it from our side: closes the connection and hands the error to whoever waits. */
  break(error: GateError): void {
    this.sending?.abort();
    if (!this.#headSeen) {
      this.#headSeen = true;
      // Nobody waits for an answer to what was never sent.
      if (this.sending !== undefined) this.#rejectHead(error);
    }
    this.#end({ error });
  }

  /** Stops caring about the rest: closes the connection, calls nobody. */
  discard(): void {
    this.#sink = undefined;
    this.#ending ??= { closeDelimited: false };
    this.sending?.abort();
  }

  pause(): void {
    this.sending?.pause();
  }

  resume(): void {
    this.sending?.resume();
  }

  /** Gives the body to `sink`, first what has already arrived. Called once. */
  pipeTo(sink: BodySink): void {
    const unread = this.#unread;
    this.#unread = [];
    this.#sink = sink;
    for (const bytes of unread) sink.onData(bytes);
    if (this.#ending !== undefined) this.#deliver(this.#ending);
    else if (this.#unreadBytes > UNREAD_BYTES_MAX) this.resume();
  }

  /** The whole body. Rejects with `tooLarge` past the bound, or with what broke the answer. */
  collect(maxBytes: number, tooLarge: () => GateError): Promise<Uint8Array> {
    const [only, ...more] = this.#unread;
    const arrived = this.#ending !== undefined && 'closeDelimited' in this.#ending;
    if (arrived && only !== undefined && more.length === 0 && only.byteLength <= maxBytes) {
      // The usual short answer: head and body came in one read and are complete by now.
      this.#unread = [];
      return Promise.resolve(only);
    }
    return new Promise((resolve, reject) => {
      const parts: Uint8Array[] = [];
      let sizeBytes = 0;
      this.pipeTo({
        onData: (bytes) => {
          sizeBytes += bytes.byteLength;
          if (sizeBytes > maxBytes) return this.break(tooLarge());
          parts.push(bytes);
        },
        onEnd: () => {
          const [only] = parts;
          resolve(parts.length === 1 && only ? only : Buffer.concat(parts, sizeBytes));
        },
        onBroken: reject,
      });
    });
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    if (this.#sink !== undefined) this.#deliver(ending);
  }

  #deliver(ending: Ending): void {
    if ('error' in ending) this.#sink?.onBroken(ending.error);
    else this.#sink?.onEnd(ending.closeDelimited);
  }
}
