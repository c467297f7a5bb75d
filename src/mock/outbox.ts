import { Timer, type TimerWheel } from './timer-wheel.ts';

/** The part of a socket that takes bytes; returns how many it took. */
export interface ByteSink {
  write(data: string | Uint8Array): number;
}

export interface Drip {
  readonly bytes: number;
  /** 0: one piece per turn of the event loop. */
  readonly everyMs: number;
}

/**
 * The sending half of a connection. Bun's `write` takes what fits into the kernel's buffer and
 * returns how much; the rest waits here until the socket drains. The producer asks for
 * `backlogBytes` before it makes more, which bounds what a slow reader can pile up.
 */
export class Outbox {
  readonly #socket: ByteSink;
  readonly #wheel: TimerWheel;
  readonly #onEmpty: () => void;
  readonly #timer = new Timer(() => this.#dripNext());
  #waiting: Buffer[] = [];
  #backlogBytes = 0;
  #drip: Drip | null = null;
  #isDripping = false;
  #isClosed = false;

  constructor(socket: ByteSink, wheel: TimerWheel, onEmpty: () => void) {
    this.#socket = socket;
    this.#wheel = wheel;
    this.#onEmpty = onEmpty;
  }

  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** From now on bytes leave in small pieces; null goes back to normal once those are out. */
  setDrip(drip: Drip | null): void {
    this.#drip = drip;
  }

  write(data: string | Uint8Array): void {
    if (this.#isClosed) return;
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (length === 0) return;
    if (this.#backlogBytes > 0 || this.#drip !== null) {
      this.#keep(toBuffer(data), 0);
      if (this.#drip !== null && !this.#isDripping) this.#dripLater();
      return;
    }
    const written = Math.max(0, this.#socket.write(data));
    if (written < length) this.#keep(toBuffer(data), written);
  }

  /** The socket can take more. */
  drained(): void {
    if (this.#isDripping) return;
    while (this.#backlogBytes > 0) {
      const first = this.#waiting[0] ?? Buffer.alloc(0);
      const written = Math.max(0, this.#socket.write(first));
      this.#drop(written);
      if (written < first.length) return;
    }
    this.#onEmpty();
  }

  close(): void {
    this.#isClosed = true;
    this.#wheel.cancel(this.#timer);
    this.#waiting = [];
    this.#backlogBytes = 0;
  }

  #keep(bytes: Buffer, from: number): void {
    this.#waiting.push(bytes.subarray(from));
    this.#backlogBytes += bytes.length - from;
  }

  #drop(count: number): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    this.#backlogBytes -= count;
    if (count === first.length) this.#waiting.shift();
    else this.#waiting[0] = first.subarray(count);
  }

  #dripLater(): void {
    this.#isDripping = true;
    const everyMs = this.#drip?.everyMs ?? 0;
    if (everyMs === 0) setImmediate(() => this.#dripNext());
    else this.#wheel.setIn(this.#timer, everyMs);
  }

  #dripNext(): void {
    const first = this.#waiting[0];
    if (this.#isClosed || first === undefined) return;
    this.#drop(
      Math.max(0, this.#socket.write(first.subarray(0, this.#drip?.bytes ?? first.length))),
    );
    if (this.#backlogBytes > 0) return this.#dripLater();
    this.#isDripping = false;
    this.#onEmpty();
  }
}

function toBuffer(data: string | Uint8Array): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
