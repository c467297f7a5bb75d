import type { CallerSocket } from '../../src/callers/http1/connection.ts';

/** A socket without a network: keeps what is written, and takes as much at once as it is told. */
export class FakeCallerSocket implements CallerSocket {
  readonly remoteAddress = '192.0.2.1';
  /** Latin-1. */
  written = '';
  writes = 0;
  /** Bytes that it still takes. */
  room = Number.POSITIVE_INFINITY;
  isPaused = false;
  isShut = false;
  isClosed = false;

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (this.isClosed || this.isShut) return -1;
    const taken = Math.min(length, this.room);
    this.room -= taken;
    this.writes += 1;
    this.written += Buffer.from(bytes.subarray(offset, offset + taken)).toString('latin1');
    return taken;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  shutdown(): void {
    this.isShut = true;
  }

  end(): void {
    this.isClosed = true;
  }

  terminate(): void {
    this.isClosed = true;
  }
}
