import { statSync } from 'node:fs';

const LOOK_EVERY_MS = 1_000;

/**
 * Calls back when a file has become another one. Looks once a second instead of using the
 * system's notifications: editors and orchestrators replace files by rename and through links,
 * which notifications on the old inode never tell. Returns how to stop.
 */
export function watchFile(path: string, onChange: () => void): () => void {
  let seen = identity(path);
  const timer = setInterval(() => {
    const now = identity(path);
    // A file that is gone for the moment is being replaced.
    if (now === undefined || now === seen) return;
    seen = now;
    onChange();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** undefined while nothing can be found there: no file, a folder that is closed, links in a circle. */
function identity(path: string): string | undefined {
  try {
    const { dev, ino, mtimeMs, size } = statSync(path);
    return `${dev}:${ino}:${mtimeMs}:${size}`;
  } catch {
    return undefined;
  }
}
