import { systemClock } from '../../src/core/clock.ts';
import { createRequestIds } from '../../src/core/ids.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { GroupCommitLedger } from '../../src/store/ledger.ts';
import { type LedgerScheduler, systemScheduler } from '../../src/store/ledger-scheduler.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { FinishedRow } from '../../src/store/rows.ts';
import type { Store } from '../../src/store/store.ts';
import { openRunDelay, type RunDelay, Samples, watchLag } from './bench-books-lag.ts';
import { createTraffic } from './bench-books-traffic.ts';

const REQUESTS_PER_SECOND = 2_000;
/** How long a request is open. */
const ANSWER_MS = 50;
const DAY_MS = 86_400_000;

export interface LoopFigure {
  readonly phase: string;
  readonly requests: number;
  readonly flushes: number;
  /** Milliseconds that one flush kept the thread. */
  readonly flushP999: number;
  readonly flushMax: number;
  /** Without the time in which the thread waited for a processor. */
  readonly ownFlushP999: number;
  readonly ownFlushMax: number;
  readonly lagP999: number;
  readonly lagMax: number;
  readonly ownLagP999: number;
  readonly ownLagMax: number;
  /** Of a process beside it that does nothing. */
  readonly idleLagP999: number;
  readonly idleLagMax: number;
  /** Times that what goes on beside was done. */
  readonly done: number;
}

interface FlushTimes {
  all: Samples;
  own: Samples;
}

/** Books requests at a steady rate and watches the event loop, while the books are read beside it. */
export async function measureEventLoop(
  dataDir: string,
  secondsPerPhase: number,
  onFigure: (figure: LoopFigure) => void,
): Promise<void> {
  const delay = openRunDelay();
  const times: FlushTimes = { all: new Samples(), own: new Samples() };
  const store = await openStore({
    dataDir,
    clock: systemClock,
    durability: 'process',
    scheduler: timedScheduler(times, delay),
  });
  timeRelease(store, times, delay);
  const driver = startDriver(store);
  try {
    for (const [phase, work] of Object.entries(BESIDE)) {
      times.all = new Samples();
      times.own = new Samples();
      onFigure(await measurePhase({ store, driver, times, phase, work }, secondsPerPhase));
    }
  } finally {
    driver.stop();
    await store.close();
    delay.close();
  }
}

/** What is asked of the books over and over while requests go on. */
const BESIDE: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'sums and checkpoints': () => Bun.sleep(100),
  'usage reports': async ({ books }) => {
    const untilMs = systemClock.nowMs();
    await books.usage({ by: ['key'], sinceMs: untilMs - 400 * DAY_MS, untilMs, where: [] });
    await Bun.sleep(100);
  },
  'ledger check': ({ books }) => books.check(),
  // The check may still be under way then.
  'audit verify, one thread': ({ books }) =>
    books.audit.verify({
      notes: [],
      pinnedKey: null,
      ownKey: null,
      sinceCheckpoint: false,
      threads: 1,
    }),
};

interface PhaseParts {
  readonly store: Store;
  readonly driver: Driver;
  readonly times: FlushTimes;
  readonly phase: string;
  readonly work: (store: Store) => Promise<unknown>;
}

async function measurePhase(
  { store, driver, times, phase, work }: PhaseParts,
  seconds: number,
): Promise<LoopFigure> {
  const idle = Bun.spawn(
    [
      process.execPath,
      new URL('./bench-books.ts', import.meta.url).pathname,
      '--idle-lag',
      String(seconds),
    ],
    { stdout: 'pipe', stderr: 'inherit' },
  );
  const before = driver.requests();
  const watch = watchLag();
  const endMs = performance.now() + seconds * 1_000;
  let done = 0;
  // What takes longer than the phase goes on beside the next one, and ends with the store.
  const beside = (async () => {
    while (performance.now() < endMs) {
      await work(store);
      done += 1;
    }
  })();
  beside.catch(() => {});
  await Promise.race([beside, Bun.sleep(seconds * 1_000)]);
  watch.stop();
  const requests = driver.requests() - before;
  const [idleLagP999 = 0, idleLagMax = 0] = (await new Response(idle.stdout).json()) as number[];
  const { all, own } = times;
  const figure: LoopFigure = {
    ...{ phase, requests, flushes: all.count, done, idleLagP999, idleLagMax },
    flushP999: all.at(0.999),
    flushMax: all.at(1),
    ownFlushP999: own.at(0.999),
    ownFlushMax: own.at(1),
    lagP999: watch.lag.at(0.999),
    lagMax: watch.lag.at(1),
    ownLagP999: watch.ownLag.at(0.999),
    ownLagMax: watch.ownLag.at(1),
  };
  return figure;
}

/** What `--idle-lag` prints: p99.9 and the largest lag of a process that does nothing else. */
export async function measureIdleLag(seconds: number): Promise<readonly [number, number]> {
  const watch = watchLag();
  await Bun.sleep(seconds * 1_000);
  watch.stop();
  return [watch.lag.at(0.999), watch.lag.at(1)];
}

function timedScheduler(times: FlushTimes, delay: RunDelay): LedgerScheduler {
  const time = (work: () => void) => () => timed(work, times, delay);
  return {
    soon: (work) => systemScheduler.soon(time(work)),
    later: (work, delayMs) => systemScheduler.later(time(work), delayMs),
  };
}

function timed(work: () => void, times: FlushTimes, delay: RunDelay): void {
  const delayMs = delay.nowMs();
  const atMs = performance.now();
  work();
  const tookMs = performance.now() - atMs;
  times.all.add(tookMs);
  times.own.add(Math.max(0, tookMs - (delay.nowMs() - delayMs)));
}

/** The flush after a checkpoint held the commits back does not come from the scheduler. */
function timeRelease({ ledger }: Store, times: FlushTimes, delay: RunDelay): void {
  if (!(ledger instanceof GroupCommitLedger)) throw new Error('the ledger is another one');
  const release = ledger.release.bind(ledger);
  ledger.release = () => timed(release, times, delay);
}

interface Driver {
  /** Settled so far. */
  requests(): number;
  stop(): void;
}

function startDriver({ ledger }: Store): Driver {
  const ids = createRequestIds(systemClock);
  const traffic = createTraffic();
  const patterns = traffic.quarter(0, 4_096);
  const running: { readonly endMs: number; readonly row: FinishedRow }[] = [];
  const startedMs = performance.now();
  let asked = 0;
  let settled = 0;
  const begin = (pattern: FinishedRow, nowMs: number) => {
    const startedAtMs = systemClock.nowMs();
    const row = { ...pattern, id: ids(), startedAtMs, finishedAtMs: startedAtMs + ANSWER_MS };
    const { backend, price } = row;
    const open = { ...row, backend: backend ?? '', inputTokensEstimate: 10, price };
    void ledger.open({ ...open, holdNanoUsd: nanoUsd(1_000_000) });
    running.push({ endMs: nowMs + ANSWER_MS, row });
  };
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const due = Math.floor(((nowMs - startedMs) / 1_000) * REQUESTS_PER_SECOND);
    for (; asked < due; asked += 1) begin(patterns[asked % patterns.length] as FinishedRow, nowMs);
    while ((running[0]?.endMs ?? Infinity) <= nowMs) {
      const { row } = running.shift() as (typeof running)[0];
      void ledger.settle(row, traffic.attempts(row)).then(() => {
        settled += 1;
      });
    }
  }, 1);
  return { requests: () => settled, stop: () => clearInterval(timer) };
}
