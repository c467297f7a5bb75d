import { type Clock, systemClock } from '../../src/core/clock.ts';
import { createRequestIds } from '../../src/core/ids.ts';
import type { Key } from '../../src/core/key.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { BUDGET_SCOPES, type BudgetRule } from '../../src/pricing/budget-rule.ts';
import { type BudgetBook, createBudgetBook } from '../../src/pricing/budgets.ts';
import { costOf } from '../../src/pricing/cost.ts';
import { holdFor, tokensHeldFor } from '../../src/pricing/hold.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { createPrice, createTraffic } from './bench-books-traffic.ts';

// What the books cost a request, without a gateway around them: hold in six budgets, open row,
// a backend that answers after a turn or two of the event loop, settlement, both in shared commits.

const CONNECTIONS = 32;
const PRICE = createPrice(500_000, 1_500_000, 50_000);
const BACKEND = 'mock';
const MODEL = 'bench';

export interface HotPathFigure {
  /** CPU of the thread that serves requests, microseconds. */
  readonly threadUs: number;
  /** With what the process spent besides: worker, collector, compiler. */
  readonly processUs: number;
  readonly rowsPerCommit: number;
}

export interface HotPath {
  /** CPU per request of so many requests. */
  run(requests: number): Promise<HotPathFigure>;
  /** The same loop without books: what the driver itself costs. */
  runEmpty(requests: number): Promise<HotPathFigure>;
  close(): Promise<void>;
}

export async function openHotPath(dataDir: string): Promise<HotPath> {
  const store = await openStore({ dataDir, clock: systemClock, durability: 'process' });
  const budgets = createBudgetBook({
    rules: BUDGET_SCOPES.map(ruleFor),
    clock: systemClock,
    timezone: 'Europe/Berlin',
    onThreshold() {},
  });
  const keys = createTraffic().keys.slice(0, CONNECTIONS);
  const measure = async (work: (key: Key) => Promise<void>): Promise<HotPathFigure> => {
    const commits = store.ledger.stats();
    const thread = threadMicroseconds();
    const before = process.cpuUsage();
    let requests = 0;
    await Promise.all(
      keys.map(async (key) => {
        for (;;) {
          if (left === 0) return;
          left -= 1;
          requests += 1;
          await work(key);
        }
      }),
    );
    const { user, system } = process.cpuUsage(before);
    const after = store.ledger.stats();
    const rows = after.rowsOpened + after.rowsSettled - commits.rowsOpened - commits.rowsSettled;
    return {
      threadUs: (threadMicroseconds() - thread) / requests,
      processUs: (user + system) / requests,
      rowsPerCommit: rows / (after.commits - commits.commits),
    };
  };
  let left = 0;
  const request = createRequest(store, budgets, systemClock);
  return {
    run(requests) {
      left = requests;
      return measure(request);
    },
    runEmpty(requests) {
      left = requests;
      const ids = createRequestIds(systemClock);
      return measure(async (key) => {
        const id = ids();
        await turn();
        if (id === key.id) throw new Error('an id is no key');
        await turn();
        await turn();
      });
    },
    close: () => store.close(),
  };
}

function ruleFor(per: BudgetRule['per']): BudgetRule {
  return {
    ...{ per, name: null, measure: 'usd', limit: 5e15, window: 'month', alertAt: [80, 100] },
    onExceed: 'refuse',
  };
}

/** One request as the gateway books it (`src/gateway/reserve.ts` and `settle.ts`). */
function createRequest(
  { ledger }: Store,
  budgets: BudgetBook,
  clock: Clock,
): (key: Key) => Promise<void> {
  const ids = createRequestIds(clock);
  const worst = { inputTokens: 12, maxOutputTokens: 256, choices: 1, maxGpuMs: 600_000 };
  return async (key) => {
    const payer = { key, model: MODEL };
    const amount = { nanoUsd: holdFor(worst, PRICE), tokens: tokensHeldFor(worst) };
    budgets.room(payer, amount);
    const hold = budgets.reserve(payer, amount);
    const startedAtMs = clock.nowMs();
    const id = ids();
    await ledger.open({
      id,
      keyId: key.id,
      user: key.user,
      team: key.team,
      tenant: key.tenant,
      tags: key.tags,
      endpoint: 'chat',
      model: MODEL,
      streamed: false,
      startedAtMs,
      backend: BACKEND,
      inputTokensEstimate: worst.inputTokens,
      holdNanoUsd: amount.nanoUsd,
      price: PRICE,
    });
    await turn();
    const usage = { ...NO_USAGE, inputTokens: 17, outputTokens: 40 };
    const costNanoUsd = costOf(usage, PRICE, 0);
    hold.settle({ nanoUsd: nanoUsd(costNanoUsd), tokens: 57 });
    await ledger.settle(
      {
        id,
        keyId: key.id,
        user: key.user,
        team: key.team,
        tenant: key.tenant,
        tags: key.tags,
        endpoint: 'chat',
        model: MODEL,
        streamed: false,
        startedAtMs,
        backend: BACKEND,
        outcome: 'served',
        code: null,
        status: 200,
        finishedAtMs: clock.nowMs(),
        ttftMs: 1.234,
        backendMs: 1.345,
        usage,
        usageSource: 'reported',
        estimated: false,
        costNanoUsd,
        price: PRICE,
        attempts: 1,
        gpuUs: 0,
        contentRef: null,
      },
      [],
    );
  };
}

/** What a backend's answer takes at least. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** CPU time of this thread so far; the kernel counts in nanoseconds. */
function threadMicroseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
