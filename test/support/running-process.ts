export interface ProcessOptions {
  readonly cwd: string;
  /** All that the process sees of the environment; nothing by default. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that keeps running, and every line it writes, from both of its outputs. */
export class RunningProcess implements AsyncDisposable {
  /** As they came, stdout and stderr mixed. */
  readonly lines: string[] = [];
  stdout = '';
  readonly #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  readonly #waiters = new Set<() => void>();
  readonly #killWithMe = () => this.#child.kill('SIGKILL');
  readonly #allRead: Promise<unknown>;
  #isOver = false;

  constructor(command: readonly string[], { cwd, env = {} }: ProcessOptions) {
    this.#child = Bun.spawn([...command], {
      cwd,
      env: { ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    process.once('exit', this.#killWithMe);
    const { stdout, stderr } = this.#child;
    const keep = (text: string) => {
      this.stdout += text;
    };
    this.#allRead = Promise.all([this.#read(stdout, keep), this.#read(stderr)]).then(() => {
      this.#isOver = true;
      this.#look();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The exit code as a shell tells it: 128 and the number of the signal that killed it. */
  get exited(): Promise<number> {
    return this.#child.exited;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The first line that matches, of those written so far or to come. */
  untilLine(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    return this.untilFound((line) => pattern.exec(line), `a line like ${pattern}`, timeoutMs);
  }

  /** What `find` makes of the first line in which it finds something. Throws after `timeoutMs`. */
  async untilFound<T>(
    find: (line: string) => T | null,
    what: string,
    timeoutMs = 10_000,
  ): Promise<T> {
    let found: T | null = null;
    let lookedAt = 0;
    await this.#until(() => {
      for (; found === null && lookedAt < this.lines.length; lookedAt += 1) {
        found = find(this.lines[lookedAt] ?? '');
      }
      return found !== null;
    }, timeoutMs);
    if (found !== null) return found;
    throw new Error(`there is no ${what}; it wrote:\n${this.lines.join('\n')}`);
  }

  /** Ends it as an operator would, and the hard way when that takes too long. */
  async stop(timeoutMs = 10_000): Promise<number> {
    const tooLong = setTimeout(this.#killWithMe, timeoutMs);
    this.signal('SIGTERM');
    const code = await this.exited;
    clearTimeout(tooLong);
    await this.#allRead;
    process.off('exit', this.#killWithMe);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Resolves once `isMet`, when the process has ended, or after `timeoutMs`. */
  async #until(isMet: () => boolean, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!isMet() && !this.#isOver) return;
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
  }

  #look(): void {
    for (const look of [...this.#waiters]) look();
  }

  async #read(stream: ReadableStream<Uint8Array>, keep?: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of stream) {
      const text = decoder.decode(bytes, { stream: true });
      keep?.(text);
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#look();
    }
    if (rest !== '') this.lines.push(rest);
  }
}
