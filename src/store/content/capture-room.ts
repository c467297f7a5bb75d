/**
 * The memory that captured content may take before it is written, over all requests together. Once
 * it was full it counts as full until half of it is free, so that policy does not flicker.
 */
export class CaptureRoom {
  #limitBytes: number;
  #takenBytes = 0;
  #wasFull = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  setLimit(limitBytes: number): void {
    this.#limitBytes = limitBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  get isFull(): boolean {
    if (this.#takenBytes <= this.#limitBytes / 2) this.#wasFull = false;
    return this.#wasFull;
  }

  /** False, and nothing is taken, when there is not so much left. */
  take(sizeBytes: number): boolean {
    if (this.#takenBytes + sizeBytes > this.#limitBytes) {
      this.#wasFull = true;
      return false;
    }
    this.#takenBytes += sizeBytes;
    return true;
  }

  give(sizeBytes: number): void {
    this.#takenBytes -= sizeBytes;
  }
}
