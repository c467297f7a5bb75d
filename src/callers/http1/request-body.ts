import { partOf } from '../../core/part-of.ts';
import { ChunkedBody } from '../../protocols/chunked-body.ts';
import { BodyTooLarge, type CountBytes } from './caller-request.ts';
import { type RequestFraming, RequestProblem } from './request-head.ts';

/** Kept before anybody asks for the body; past it the caller is told to wait. */
const EARLY_BYTES_MAX = 256 * 1024;

interface Reader {
  readonly maxBytes: number;
  readonly count: CountBytes | undefined;
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

const NO_BYTES = new Uint8Array(0);

/** Collects the body of one request, whatever its framing. */
export class RequestBody {
  isWhole: boolean;
  /** Where the bytes after the body begin, once it is whole. */
  end = 0;
  #remaining: number;
  readonly #chunked: ChunkedBody | undefined;
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #reader: Reader | undefined;
  #problem: unknown;

  constructor(framing: RequestFraming) {
    this.isWhole = framing === 0;
    this.#remaining = framing === 'chunked' ? 0 : framing;
    this.#chunked = framing === 'chunked' ? new ChunkedBody() : undefined;
  }

  get hasBegun(): boolean {
    return this.#sizeBytes > 0;
  }

  /** Enough has come for somebody who has not asked yet. */
  get isFull(): boolean {
    return this.#reader === undefined && this.#sizeBytes > EARLY_BYTES_MAX;
  }

  /** Takes what belongs to the body. Throws RequestProblem for broken framing. */
  take(bytes: Buffer, from: number): void {
    const chunked = this.#chunked;
    const part =
      chunked === undefined ? this.#count(bytes, from) : this.#decode(chunked, bytes, from);
    if (part === null || this.#problem !== undefined) return;
    this.#sizeBytes += part.length;
    const reader = this.#reader;
    if (reader !== undefined && this.#sizeBytes > reader.maxBytes)
      return this.break(new BodyTooLarge());
    try {
      reader?.count?.(part.length);
    } catch (cause) {
      return this.break(cause);
    }
    this.#parts.push(part);
  }

  /** See CallerRequest.readBody. */
  read(maxBytes: number, count: CountBytes | undefined): Uint8Array | Promise<Uint8Array> {
    if (this.#problem !== undefined) throw this.#problem;
    if (this.#sizeBytes + this.#remaining > maxBytes) throw new BodyTooLarge();
    if (this.#sizeBytes > 0) count?.(this.#sizeBytes);
    if (this.isWhole) return this.#join();
    return new Promise((resolve, reject) => {
      this.#reader = { maxBytes, count, resolve, reject };
    });
  }

  /** Gives the body to who waits for it, once it is whole. */
  deliver(): void {
    this.#reader?.resolve(this.#join());
  }

  /** The rest will not come, or is not what it should be. */
  break(problem: unknown): void {
    this.#problem ??= problem;
    this.#parts = [];
    this.#reader?.reject(problem);
  }

  #join(): Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    return parts.length < 2 ? (parts[0] ?? NO_BYTES) : Buffer.concat(parts, this.#sizeBytes);
  }

  #count(bytes: Buffer, from: number): Uint8Array | null {
    const end = Math.min(bytes.length, from + this.#remaining);
    this.#remaining -= end - from;
    this.end = end;
    this.isWhole = this.#remaining === 0;
    return end === from ? null : partOf(bytes, from, end);
  }

  #decode(chunked: ChunkedBody, bytes: Buffer, from: number): Uint8Array | null {
    const payload = chunked.decode(bytes, from);
    if (chunked.problem !== null) {
      throw new RequestProblem(400, `The body is not chunked as it says: ${chunked.problem}.`);
    }
    this.end = chunked.end;
    this.isWhole = chunked.done;
    return payload;
  }
}
