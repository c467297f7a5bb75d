/** Pieces up to this size together leave in one write; copying costs less than a system call. */
const JOINED_BYTES_MAX = 65_536;

/** Unsent bytes past which whoever writes is asked to wait. */
const UNSENT_BYTES_SOME = 65_536;

/** Shared: every call leaves it empty, and what a socket does not take is copied out of it. */
const joined = Buffer.allocUnsafeSlow(JOINED_BYTES_MAX);

const CR = 0x0d;
const LF = 0x0a;
const LINE_END_BYTES = 2;
/** Digits of a size below 2^48, and its line break. */
const CHUNK_SIZE_BYTES = 14;
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** The part of a socket that takes bytes; `write` returns how many, or less than 0 when it is dead. */
export interface ByteSink {
  write(bytes: Uint8Array, offset: number, length: number): number;
}

/** Writes to one socket; what it does not take at once waits here, in order. */
export class SocketWriter {
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #used = 0;

  get isDrained(): boolean {
    return this.#unsentBytes === 0;
  }

  get isCrowded(): boolean {
    return this.#unsentBytes > UNSENT_BYTES_SOME;
  }

  /** `head` has characters below 256 only; `body` must stay as it is. */
  write(socket: ByteSink, head: string, body: Uint8Array | string): void {
    if (head !== '') this.#addText(socket, head);
    this.#addBytes(socket, typeof body === 'string' ? Buffer.from(body) : body);
    this.#leave(socket);
  }

  /** As a chunk, with the end of the body when it `isLast`. An empty chunk would be the end. */
  writeChunk(socket: ByteSink, head: string, bytes: Uint8Array | null, isLast: boolean): void {
    if (head !== '') this.#addText(socket, head);
    if (bytes !== null && bytes.length > 0) {
      this.#addChunkSize(socket, bytes.length);
      this.#addBytes(socket, bytes);
      this.#makeRoom(socket, LINE_END_BYTES);
      this.#addLineEnd();
    }
    if (isLast) this.#addBytes(socket, LAST_CHUNK);
    this.#leave(socket);
  }

  /** The socket takes bytes again. */
  drain(socket: ByteSink): void {
    let done = 0;
    for (const bytes of this.#unsent) {
      const sent = Math.max(0, socket.write(bytes, 0, bytes.length));
      this.#unsentBytes -= sent;
      if (sent < bytes.length) {
        this.#unsent[done] = bytes.subarray(sent);
        break;
      }
      done += 1;
    }
    this.#unsent.splice(0, done);
  }

  /** Forgets what was not sent. */
  drop(): void {
    this.#unsent = [];
    this.#unsentBytes = 0;
  }

  #addText(socket: ByteSink, text: string): void {
    if (this.#used + text.length > JOINED_BYTES_MAX) {
      this.#addBytes(socket, Buffer.from(text, 'latin1'));
    } else {
      this.#used += joined.write(text, this.#used, 'latin1');
    }
  }

  #addBytes(socket: ByteSink, bytes: Uint8Array): void {
    this.#makeRoom(socket, bytes.length);
    if (bytes.length > JOINED_BYTES_MAX) {
      this.#send(socket, bytes);
      return;
    }
    joined.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Digit by digit: a stream says it with every token, and a text of it costs three times as much. */
  #addChunkSize(socket: ByteSink, size: number): void {
    this.#makeRoom(socket, CHUNK_SIZE_BYTES);
    let digits = 1;
    for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 16)) digits += 1;
    let at = this.#used + digits;
    this.#used = at;
    for (let rest = size; at > this.#used - digits; rest = Math.floor(rest / 16)) {
      at -= 1;
      const digit = rest % 16;
      joined[at] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    }
    this.#addLineEnd();
  }

  #addLineEnd(): void {
    joined[this.#used] = CR;
    joined[this.#used + 1] = LF;
    this.#used += LINE_END_BYTES;
  }

  #makeRoom(socket: ByteSink, sizeBytes: number): void {
    if (this.#used + sizeBytes > JOINED_BYTES_MAX) this.#leave(socket);
  }

  #leave(socket: ByteSink): void {
    const size = this.#used;
    if (size === 0) return;
    this.#used = 0;
    const sent = this.#unsentBytes > 0 ? 0 : Math.max(0, socket.write(joined, 0, size));
    if (sent < size) this.#keep(Buffer.from(joined.subarray(sent, size)));
  }

  #send(socket: ByteSink, bytes: Uint8Array): void {
    const sent = this.#unsentBytes > 0 ? 0 : Math.max(0, socket.write(bytes, 0, bytes.length));
    if (sent < bytes.length) this.#keep(bytes.subarray(sent));
  }

  #keep(bytes: Uint8Array): void {
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
  }
}
