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

/** After its end its words are waited for: what it has left running may hold their pipe for days. */
const WORDS_MS = 100;

/**
 * Runs a program to its end, without a shell. Rejects with an Error in plain words when it cannot
 * be started, fails or takes too long; then it and all of its group are killed. What it leaves
 * running is not waited for.
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
  const words = readWords(child.stderr);
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  };
  limit.addEventListener('abort', kill, { once: true });
  try {
    const code = await child.exited;
    if (limit.aborted) throw new Error(`it did not end within ${timeoutMs / 1_000} s`);
    await Promise.race([words.ended, Bun.sleep(WORDS_MS)]);
    const last = words.last();
    if (code !== 0) throw new Error(`it ended with code ${code}${last === '' ? '' : `: ${last}`}`);
  } finally {
    limit.removeEventListener('abort', kill);
  }
}

/** Reads on after the last word is asked for, so that what is left running can write. */
function readWords(stream: ReadableStream<Uint8Array>): { ended: Promise<void>; last(): string } {
  const decoder = new TextDecoder();
  let text = '';
  const read = async () => {
    for await (const bytes of stream) {
      text = (text + decoder.decode(bytes, { stream: true })).slice(-LAST_WORDS);
    }
  };
  return { ended: read().catch(() => {}), last: () => text.trim() };
}
