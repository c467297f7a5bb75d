/** Where finished lines go; buffered, so that a request never pays for a system call of its own. */
export interface LineSink {
  write(line: string): void;
  /** Writes out what is buffered, whether or not the last write has been taken. */
  flush(): void;
  /** Lines that were lost: nobody took them, or what took them failed. */
  readonly dropped: number;
}

/** Writes text somewhere and tells, once, whether it was taken. May call back at once or late. */
export type WriteOut = (text: string, done: (failed: boolean) => void) => void;

/** Lines wait at most this long before they are written together. */
const FLUSH_EVERY_MS = 250;
const BUFFER_CHARS = 16 * 1024;
/** What may wait while a write is not taken; lines that come then are dropped. */
const WAITING_CHARS_MAX = 1024 * 1024;

/**
 * Collects lines and hands them to `writeOut` together: when 16 KB are there or 250 ms have
 * passed, and never while an earlier write is under way. A reader that is slow, gone or stuck costs
 * 1 MB and counted lines. What is lost on `kill -9` is what waits; the books do not depend on it.
 */
export function createLineSink(writeOut: WriteOut): LineSink {
  let pending: string[] = [];
  let pendingChars = 0;
  let dropped = 0;
  let underWay = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    if (timer !== undefined) clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return;
    const lines = pending.length;
    const text = pending.join('');
    pending = [];
    pendingChars = 0;
    underWay += 1;
    writeOut(text, (failed) => {
      underWay -= 1;
      if (failed) dropped += lines;
      if (pendingChars >= BUFFER_CHARS && underWay === 0) flush();
      else if (pending.length > 0) later();
    });
  };
  const later = () => {
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      if (underWay === 0) flush();
    }, FLUSH_EVERY_MS);
    timer.unref();
  };
  return {
    write(line) {
      if (pendingChars + line.length > WAITING_CHARS_MAX) {
        dropped += 1;
        return;
      }
      pending.push(line);
      pendingChars += line.length;
      if (underWay > 0) return;
      if (pendingChars >= BUFFER_CHARS) flush();
      else later();
    },
    flush,
    get dropped() {
      return dropped;
    },
  };
}
