/** Head and body up to this size leave in one write; copying them costs less than a system call. */
const JOINED_BYTES_MAX = 32_768;

/** Shared: whatever a socket does not take at once is copied out of it before anything else runs. */
const joined = Buffer.allocUnsafeSlow(JOINED_BYTES_MAX);

/** The part of a socket that takes bytes; `write` returns how many, or less than 0 when it is dead. */
export interface ByteSink {
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** Above 0 while it can be written to. */
  readonly readyState: number;
}

/** Writes one request after another to a socket, as fast as it takes the bytes. */
export class RequestWriter {
  /** At least one byte of the current request was handed to the system. */
  begun = false;
  #rest: Uint8Array | null = null;
  #body: Uint8Array | null = null;
  #bodyAt = 0;

  /** Everything of the current request was handed to the system. */
  get finished(): boolean {
    return this.#rest === null && this.#body === null;
  }

  /**
   * Starts a request; `head` has characters below 256 only, `body` must stay as it is until
   * `finished`. False when the socket is dead and took nothing.
   */
  begin(socket: ByteSink, head: string, body: Uint8Array | null): boolean {
    this.begun = false;
    this.#rest = null;
    this.#body = body;
    this.#bodyAt = 0;
    if (head.length > JOINED_BYTES_MAX) {
      this.#rest = Buffer.from(head, 'latin1');
      return this.flush(socket);
    }
    let size = joined.write(head, 0, 'latin1');
    if (body !== null && size + body.length <= JOINED_BYTES_MAX) {
      joined.set(body, size);
      size += body.length;
      this.#body = null;
    }
    const sent = socket.write(joined, 0, size);
    if (sent < 0) return false;
    this.begun = sent > 0;
    if (sent < size) this.#rest = Buffer.from(joined.subarray(sent, size));
    return this.#rest !== null || this.#body === null || this.flush(socket);
  }

  /** Writes what is left, as far as it goes. False when the socket is dead and took nothing. */
  flush(socket: ByteSink): boolean {
    const rest = this.#rest;
    if (rest !== null) {
      const sent = this.#write(socket, rest, 0);
      this.#rest = sent < rest.length ? rest.subarray(sent) : null;
    }
    const body = this.#body;
    if (this.#rest === null && body !== null) {
      this.#bodyAt += this.#write(socket, body, this.#bodyAt);
      if (this.#bodyAt === body.length) this.#body = null;
    }
    return this.begun || socket.readyState > 0;
  }

  /** Forgets the request: its body can be collected. */
  drop(): void {
    this.#rest = null;
    this.#body = null;
  }

  #write(socket: ByteSink, bytes: Uint8Array, from: number): number {
    const sent = Math.max(0, socket.write(bytes, from, bytes.length - from));
    if (sent > 0) this.begun = true;
    return sent;
  }
}
