/**
 * Where the worker's code is. From source it lies next to this file. In a compiled binary all of
 * the program is one file, and the worker is the second entrypoint of the build, at its path below
 * the folder that both entrypoints share (`src`).
 */
export function booksWorkerUrl(moduleUrl: string): string {
  const isCompiled = /\/(\$bunfs|~BUN)\//.test(moduleUrl);
  const path = isCompiled ? './store/books-worker.js' : './books-worker.ts';
  return new URL(path, moduleUrl).href;
}
