import type { CliIo } from './io.ts';

/** Whoever is done before does not want to be told of it. */
const FIRST_AFTER_MS = 1_000;
const EVERY_MS = 250;

/**
 * Shows one line on a terminal, and nowhere else, that is written over until it is stopped, which
 * removes it. Stopping twice is safe.
 */
export function startProgressLine(io: CliIo, render: () => string): () => void {
  if (io.stderrIsTty !== true) return () => {};
  let isShown = false;
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(show, FIRST_AFTER_MS);
  function show(): void {
    // Back to the start and to the end of the line: erased, then written.
    io.err(`\r\x1b[K${render().slice(0, io.columns - 1)}`);
    isShown = true;
    timer = setTimeout(show, EVERY_MS);
  }
  return () => {
    clearTimeout(timer);
    timer = undefined;
    if (isShown) io.err('\r\x1b[K');
    isShown = false;
  };
}
