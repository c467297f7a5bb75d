import { createInterface } from 'node:readline';

/**
 * Puts a question on stderr and waits for a line on stdin. The end of input is an empty answer.
 * Rejects when the signal is aborted.
 */
export function ask(question: string, signal: AbortSignal): Promise<string> {
  process.stderr.write(question);
  // Not as a terminal: that would take Ctrl-C for itself, and the signal would never come.
  const lines = createInterface({ input: process.stdin, terminal: false });
  return new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(''));
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  }).finally(() => lines.close());
}
