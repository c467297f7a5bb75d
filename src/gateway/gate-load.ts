import { GateError } from '../core/error.ts';
import type { OverloadBounds } from './gate.ts';

/**
 * What the gateway itself carries. Past one of its bounds a request is turned away before anything
 * is taken for it: early and cheaply, so that those already here are served.
 */
export class GateLoad {
  #bytesInFlight = 0;
  #lagMs = 0;
  #isShortOfFiles = false;
  readonly #addresses = new Map<string, number>();

  /** Throws 503 `overloaded`. */
  check(bounds: OverloadBounds, inFlight: number): void {
    if (inFlight >= bounds.requestsInFlight) throw overloaded('has too many requests in flight');
    if (this.#isShortOfFiles) throw overloaded('is running out of file descriptors');
    if (bounds.lagMs !== null && this.#lagMs > bounds.lagMs) throw overloaded('cannot keep up');
  }

  /** How late the event loop last was. */
  get lagMs(): number {
    return this.#lagMs;
  }

  noteLag(lagMs: number): void {
    this.#lagMs = lagMs;
  }

  /** Descriptors that are open and that may be; null where nobody can tell. */
  noteFiles(open: number | null, max: number | null): void {
    this.#isShortOfFiles = open !== null && max !== null && open > max - filesInReserve(max);
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** Memory for a body, until `giveBytes`. Throws 503 when all of it is taken. */
  takeBytes(sizeBytes: number, bounds: OverloadBounds): void {
    if (this.#bytesInFlight + sizeBytes > bounds.bytesInFlight) {
      throw overloaded('holds as many bytes of requests as it may');
    }
    this.#bytesInFlight += sizeBytes;
  }

  giveBytes(sizeBytes: number): void {
    this.#bytesInFlight -= sizeBytes;
  }

  /** A request of one address, until `leave`. Throws 503 when that one has too many. */
  enter(address: string, bounds: OverloadBounds): void {
    const before = this.#addresses.get(address) ?? 0;
    if (bounds.perAddress !== null && before >= bounds.perAddress) {
      throw overloaded('has too many requests of this address in flight');
    }
    this.#addresses.set(address, before + 1);
  }

  leave(address: string): void {
    const left = (this.#addresses.get(address) ?? 0) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
  }
}

/** For the books, the admin plane, and connections to backends of requests that are here already. */
function filesInReserve(max: number): number {
  return Math.max(32, Math.floor(max * 0.05));
}

function overloaded(what: string): GateError {
  return new GateError('overloaded', `The gateway ${what}; try again in a moment.`);
}
