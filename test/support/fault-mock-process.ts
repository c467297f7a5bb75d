import { LlmgateProcess } from './llmgate-process.ts';

/** A mock in a process of its own, on a port that it keeps when it is started again. */
export class MockProcess implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly #flags: readonly string[];
  #process: LlmgateProcess | undefined;

  private constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#flags = flags;
  }

  static async start(port: number, ...flags: string[]): Promise<MockProcess> {
    const mock = new MockProcess(port, flags);
    await mock.start();
    return mock;
  }

  async start(): Promise<void> {
    this.#process = new LlmgateProcess(
      ['mock', '--listen', `127.0.0.1:${this.port}`, ...this.#flags],
      { cwd: '/' },
    );
    await this.#process.untilLine(/http:\/\/127\.0\.0\.1:\d+/);
  }

  /** Resolves when it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#process?.signal(signal);
    await this.#process?.stop();
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) await this.end('SIGKILL');
  }
}
