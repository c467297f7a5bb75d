import type { Clock } from '../core/clock.ts';
import type { GateLoad } from '../gateway/gate-load.ts';
import { countOpenFiles, readMaxFiles } from './metrics/process-figures.ts';

const PERIOD_MS = 100;
/** Of the periods every so many count descriptors. */
const FILES_EVERY = 5;

/**
 * Tells the gate what the process carries: how late the event loop is, which is what every request
 * waits at least, and how many descriptors are open. Returns what stops it.
 */
export function watchLoad(clock: Clock, load: GateLoad): () => void {
  const maxFiles = readMaxFiles();
  let dueMs = clock.monotonicMs() + PERIOD_MS;
  let periods = 0;
  const timer = setInterval(() => {
    const nowMs = clock.monotonicMs();
    load.noteLag(Math.max(0, nowMs - dueMs));
    dueMs = nowMs + PERIOD_MS;
    periods += 1;
    if (periods % FILES_EVERY === 0) load.noteFiles(countOpenFiles(), maxFiles);
  }, PERIOD_MS);
  timer.unref();
  return () => clearInterval(timer);
}
