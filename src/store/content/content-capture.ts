import type { CaptureRoom } from './capture-room.ts';
import type { ContentPart } from './content-message.ts';

/** The first piece of an answer is usually small, and most answers are longer. */
const SMALLEST_BYTES = 1_024;

/** A body that is copied as it comes, up to a cap, into memory that doubles. */
class PartBuffer {
  readonly #capBytes: number;
  readonly #room: CaptureRoom;
  #memory = new Uint8Array(0);
  #length = 0;
  #sizeBytes = 0;

  constructor(capBytes: number, room: CaptureRoom) {
    this.#capBytes = capBytes;
    this.#room = room;
  }

  /** False when there is no room for it. */
  add(bytes: Uint8Array): boolean {
    this.#sizeBytes += bytes.byteLength;
    const fits = Math.min(bytes.byteLength, this.#capBytes - this.#length);
    if (fits <= 0) return true;
    const needed = this.#length + fits;
    if (needed > this.#memory.byteLength && !this.#grow(needed)) return false;
    this.#memory.set(fits === bytes.byteLength ? bytes : bytes.subarray(0, fits), this.#length);
    this.#length = needed;
    return true;
  }

  get memory(): Uint8Array<ArrayBuffer> {
    return this.#memory;
  }

  toPart(): ContentPart {
    return { bytes: this.#memory.subarray(0, this.#length), sizeBytes: this.#sizeBytes };
  }

  free(): void {
    this.#room.give(this.#memory.byteLength);
    this.#memory = new Uint8Array(0);
    this.#length = 0;
  }

  #grow(needed: number): boolean {
    const doubled = Math.min(this.#memory.byteLength * 2, this.#capBytes);
    const sizeBytes = Math.max(needed, doubled, Math.min(SMALLEST_BYTES, this.#capBytes));
    if (!this.#room.take(sizeBytes - this.#memory.byteLength)) return false;
    const grown = new Uint8Array(sizeBytes);
    grown.set(this.#memory);
    this.#memory = grown;
    return true;
  }
}

/** Both bodies of a request, and the memory they lie in. */
export interface CapturedParts {
  readonly request: ContentPart;
  readonly answer: ContentPart;
  readonly memory: readonly ArrayBuffer[];
}

export interface ContentCaptureOptions {
  readonly capBytes: number;
  readonly room: CaptureRoom;
  /** Told once, when there was no room for more and everything was dropped. */
  readonly onNoRoom: () => void;
  /** Writes what was captured; the room it takes is given back by whoever is called here. */
  readonly keep: (parts: CapturedParts) => Promise<Uint8Array | null>;
}

/** What is kept of one request, from its first byte to its row. Satisfies the gateway's `Capture`. */
export class ContentCapture {
  readonly #options: ContentCaptureOptions;
  readonly #request: PartBuffer;
  readonly #answer: PartBuffer;
  #finishing: Promise<Uint8Array | null> | undefined;

  constructor(options: ContentCaptureOptions) {
    this.#options = options;
    this.#request = new PartBuffer(options.capBytes, options.room);
    this.#answer = new PartBuffer(options.capBytes, options.room);
  }

  request(bytes: Uint8Array): void {
    this.#add(this.#request, bytes);
  }

  answer(bytes: Uint8Array): void {
    this.#add(this.#answer, bytes);
  }

  finish(): Promise<Uint8Array | null> {
    this.#finishing ??= this.#options.keep({
      request: this.#request.toPart(),
      answer: this.#answer.toPart(),
      memory: [this.#request.memory.buffer, this.#answer.memory.buffer],
    });
    return this.#finishing;
  }

  abandon(): void {
    if (this.#finishing !== undefined) return;
    this.#finishing = NOTHING;
    this.#request.free();
    this.#answer.free();
  }

  #add(part: PartBuffer, bytes: Uint8Array): void {
    if (this.#finishing !== undefined || part.add(bytes)) return;
    this.abandon();
    this.#options.onNoRoom();
  }
}

const NOTHING: Promise<null> = Promise.resolve(null);
