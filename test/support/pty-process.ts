import { ScreenEmulator } from './screen-emulator.ts';

export interface PtyOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd: string;
  /** All that the process sees of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A program on a pseudo-terminal of the system, and what a person in front of it would see. */
export class PtyProcess implements AsyncDisposable {
  readonly screen: ScreenEmulator;
  /** Everything that was written, as it was written. */
  written = '';
  readonly #child: Bun.Subprocess;
  readonly #waiters = new Set<() => void>();
  readonly #decoder = new TextDecoder();
  #fault: unknown;
  #isOver = false;

  constructor(command: readonly string[], { columns, rows, cwd, env }: PtyOptions) {
    this.screen = new ScreenEmulator(columns, rows);
    this.#child = Bun.spawn([...command], {
      cwd,
      env: { ...env },
      terminal: {
        ...{ cols: columns, rows },
        data: (_, bytes) => this.#take(this.#decoder.decode(bytes, { stream: true })),
      },
    });
    void this.#child.exited.then(() => {
      this.#isOver = true;
      this.#look();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The exit code; 128 and the number of the signal that killed it. */
  get exited(): Promise<number> {
    return this.#child.exited;
  }

  press(keys: string): void {
    this.#child.terminal?.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#child.terminal?.resize(columns, rows);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The local flags of the terminal say whether what is typed is shown and taken line by line. */
  get isRaw(): boolean {
    const ICANON = 0o2;
    return ((this.#child.terminal?.localFlags ?? 0) & ICANON) === 0;
  }

  /** The screen once it shows this. Throws with what it shows instead after `timeoutMs`. */
  async shows(wanted: string | RegExp, timeoutMs = 15_000): Promise<string> {
    const isThere = () => {
      const text = this.screen.text();
      return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
    };
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!isThere() && !this.#isOver && this.#fault === undefined) return;
        stop();
      };
      const stop = () => {
        clearTimeout(tooLong);
        this.#waiters.delete(look);
        resolve();
      };
      const tooLong = setTimeout(stop, timeoutMs);
      this.#waiters.add(look);
      look();
    });
    if (this.#fault !== undefined) throw this.#fault;
    if (isThere()) return this.screen.text();
    throw new Error(`the screen does not show ${wanted}; it shows:\n${this.screen.text()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exited;
    this.#child.terminal?.close();
  }

  #take(text: string): void {
    this.written += text;
    try {
      this.screen.write(text);
    } catch (cause) {
      this.#fault = cause;
    }
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#waiters]) look();
  }
}
