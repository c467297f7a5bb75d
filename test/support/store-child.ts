import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, 'store-child-main.ts');

/** A process of its own on a data directory, so that it can be killed or refused. Dies with the test. */
export interface StoreChild extends AsyncDisposable {
  /** The next line that it printed; undefined when it has ended. */
  nextLine(): Promise<string | undefined>;
  /** Everything it printed that was not read yet, once it has ended. */
  rest(): Promise<string[]>;
  kill(): void;
  readonly pid: number;
  readonly exited: Promise<number>;
}

/** Starts `store-child-main.ts` with a role and its data directory. */
export function startStoreChild(
  role: 'hold' | 'load' | 'open-unprivileged' | 'die-migrating' | 'purge',
  dataDir: string,
): StoreChild {
  const child = Bun.spawn([process.execPath, PROGRAM, role, dataDir], {
    stdout: 'pipe',
    stderr: 'inherit',
    stdin: 'ignore',
  });
  const lines = linesOf(child.stdout);
  return {
    pid: child.pid,
    exited: child.exited,
    nextLine: async () => (await lines.next()).value ?? undefined,
    async rest() {
      const all: string[] = [];
      for await (const line of lines) all.push(line);
      return all;
    },
    kill: () => child.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

/** Whole lines only: a line that the kill cut in two was never acknowledged. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of stream) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n');
    pending = lines.pop() ?? '';
    yield* lines;
  }
  return undefined;
}
