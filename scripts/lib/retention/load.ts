import { readFileSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { ZERO_USD } from '../../../src/core/money.ts';
import type { Store } from '../../../src/store/store.ts';
import { aRow } from './rows.ts';

const ROWS_PER_SECOND = 2_000;
const EVERY_MS = 5;
/** A thread that is told to wait a millisecond and wakes later than this was kept from it. */
const LONG_PAUSE_MS = 5;

export interface LoadResult {
  readonly text: string;
}

/** Opens and settles requests as a gateway does, and measures what stops the thread that does. */
export function startLoad(store: Store): { stop(): Promise<LoadResult> } {
  const pauses: number[] = [];
  /** The same without the time in which the machine had no core for this thread. */
  const ownPauses: number[] = [];
  const waits: number[] = [];
  const running = new Set<Promise<void>>();
  const startedMs = systemClock.monotonicMs();
  let lastMs = startedMs;
  let lastQueuedMs = queuedMs();
  let written = 0;
  let isOver = false;

  const watch = (): void => {
    const nowMs = systemClock.monotonicMs();
    const nowQueuedMs = queuedMs();
    pauses.push(nowMs - lastMs);
    ownPauses.push(nowMs - lastMs - (nowQueuedMs - lastQueuedMs));
    lastMs = nowMs;
    lastQueuedMs = nowQueuedMs;
    if (!isOver) setTimeout(watch, 1);
  };
  setTimeout(watch, 1);

  async function request(at: number): Promise<void> {
    const askedMs = systemClock.monotonicMs();
    const row = aRow(at, systemClock.nowMs());
    const backend = row.backend ?? '';
    await store.ledger.open({ ...row, backend, inputTokensEstimate: 100, holdNanoUsd: ZERO_USD });
    waits.push(systemClock.monotonicMs() - askedMs);
    await store.ledger.settle(row, []);
  }

  const writer = setInterval(() => {
    const due = ((systemClock.monotonicMs() - startedMs) / 1_000) * ROWS_PER_SECOND;
    for (; written < due; written += 1) {
      const one = request(written);
      running.add(one);
      void one.finally(() => running.delete(one));
    }
  }, EVERY_MS);

  return {
    async stop() {
      isOver = true;
      clearInterval(writer);
      await Promise.all(running);
      const [p99, worst] = [quantile(waits, 0.99), topOf(waits, 1)[0] ?? 0];
      const text = [
        `${written} rows in ${((lastMs - startedMs) / 1_000).toFixed(0)} s`,
        `longest pause ${describePauses(ownPauses)} (with waits for a core ${describePauses(pauses)})`,
        `a row is durable within ${p99.toFixed(1)} ms (p99), ${worst.toFixed(1)} ms (worst)`,
      ].join('; ');
      return { text };
    },
  };
}

/** Milliseconds that this thread was ready to run and had no core; 0 where the kernel does not say. */
function queuedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

function describePauses(pauses: readonly number[]): string {
  const longestMs = (topOf(pauses, 1)[0] ?? 1) - 1;
  const long = pauses.filter((ms) => ms - 1 > LONG_PAUSE_MS).length;
  return `${longestMs.toFixed(1)} ms, ${long} above ${LONG_PAUSE_MS} ms`;
}

function topOf(values: readonly number[], count: number): number[] {
  return values.toSorted((a, b) => b - a).slice(0, count);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * part)] ?? 0;
}
