export interface CommandRun {
  readonly command: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** Enough of what it wrote to say what went wrong. */
const LAST_WORDS = 500;

/**
 * Runs a program to its end, without a shell. Rejects with an Error in plain words when it cannot
 * be started, fails or takes too long; then it and all of its group are killed.
 */
export async function runCommand({ command, env, timeoutMs, signal }: CommandRun): Promise<void> {
  const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
  signal.throwIfAborted();
  const child = Bun.spawn([...command], {
    env: { ...env },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    detached: true,
  });
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  };
  limit.addEventListener('abort', kill, { once: true });
  try {
    const [words, code] = await Promise.all([readEnd(child.stderr), child.exited]);
    if (limit.aborted) throw new Error(`it did not end within ${timeoutMs / 1_000} s`);
    const said = words === '' ? '' : `: ${words}`;
    if (code !== 0) throw new Error(`it ended with code ${code}${said}`);
  } finally {
    limit.removeEventListener('abort', kill);
  }
}

async function readEnd(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of stream) {
    text = (text + decoder.decode(bytes, { stream: true })).slice(-LAST_WORDS);
  }
  return text.trim();
}
