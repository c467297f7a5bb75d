import { type KeyPress, KeyReader } from './key-press.ts';

/** What the screen needs of a terminal. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
  /** Gives the terminal back as it was. A second call does nothing. */
  close(): void;
}

export interface TerminalEvents {
  onKey(key: KeyPress): void;
  onResize(): void;
  /** Nobody is at the other end any more. */
  onGone(): void;
}

/** A terminal's two streams: `process.stdin` and `process.stdout`, by their shape. */
export interface TerminalStreams {
  readonly input: {
    setRawMode?(isRaw: boolean): unknown;
    setEncoding(encoding: 'utf8'): unknown;
    on(event: 'data', listener: (text: string) => void): unknown;
    on(event: 'end' | 'error', listener: () => void): unknown;
    off(event: 'data', listener: (text: string) => void): unknown;
    off(event: 'end' | 'error', listener: () => void): unknown;
    resume(): unknown;
    pause(): unknown;
  };
  readonly output: {
    readonly columns?: number | undefined;
    readonly rows?: number | undefined;
    write(text: string): unknown;
    on(event: 'resize', listener: () => void): unknown;
    off(event: 'resize', listener: () => void): unknown;
  };
}

// Alternate screen, no cursor, and no wrapping: what a terminal takes for wider than we do must not
// push the rest of the frame down.
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J';
const LEAVE = '\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';

/** An escape that is followed by nothing for this long is the key; slow links take their time. */
const ESCAPE_MS = 50;

/** Takes a terminal over: alternate screen, raw keys. The caller must close it, also after a crash. */
export function openTerminal({ input, output }: TerminalStreams, events: TerminalEvents): Terminal {
  const keys = new KeyReader();
  let escapeTimer: ReturnType<typeof setTimeout> | undefined;
  let isOpen = true;
  const press = (pressed: readonly KeyPress[]) => {
    for (const key of pressed) if (isOpen) events.onKey(key);
  };
  const onData = (text: string) => {
    clearTimeout(escapeTimer);
    press(keys.read(text));
    if (keys.isWaiting) escapeTimer = setTimeout(() => press(keys.flush()), ESCAPE_MS);
  };
  const onResize = () => events.onResize();
  const onGone = () => events.onGone();

  input.setRawMode?.(true);
  input.setEncoding('utf8');
  input.on('data', onData);
  input.on('end', onGone);
  input.on('error', onGone);
  input.resume();
  output.on('resize', onResize);
  output.write(ENTER);
  return {
    // A terminal that nobody has given a size says 0, which is not meant.
    get columns() {
      return output.columns || 80;
    },
    get rows() {
      return output.rows || 24;
    },
    write: (text) => void output.write(text),
    close() {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(escapeTimer);
      input.off('data', onData);
      input.off('end', onGone);
      input.off('error', onGone);
      output.off('resize', onResize);
      output.write(LEAVE);
      try {
        input.setRawMode?.(false);
      } catch {
        // The terminal is gone; nobody needs its mode.
      }
      input.pause();
    },
  };
}
