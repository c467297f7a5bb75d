import type { Clock } from '../core/clock.ts';
import { toUsdString } from '../core/money.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import type { LedgerCheckView, LedgerRebuildView, UsageDocument } from './books-schemas.ts';
import type { LiveGateway } from './live-gateway.ts';
import type { UsageRequest } from './operations.ts';
import { toUsageDocument } from './usage-document.ts';
import { parseUsageRequest } from './usage-query.ts';

export interface BooksOperations {
  usage(request: UsageRequest): Promise<UsageDocument>;
  checkLedger(): Promise<LedgerCheckView>;
  /** May be asked for while a gateway runs. */
  rebuildLedger(): Promise<LedgerRebuildView>;
}

export interface BooksOperationsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly live: LiveGateway | null;
  readonly actor: () => Actor;
}

export function createBooksOperations(parts: BooksOperationsParts): BooksOperations {
  const { store, live } = parts;
  return {
    usage: (request) => usage(store, request),
    checkLedger: () => checkLedger(store, live),
    rebuildLedger: () => rebuildLedger(parts),
  };
}

async function usage(store: Store, request: UsageRequest): Promise<UsageDocument> {
  const query = parseUsageRequest(request);
  // The books know keys by id; people know them by name.
  const where = query.where.map((condition) =>
    condition.dimension === 'key'
      ? { ...condition, value: store.keys.find(condition.value)?.id ?? condition.value }
      : condition,
  );
  const report = await store.books.usage({ ...query, where });
  return toUsageDocument(report, query.by, (id) => store.keys.find(id)?.name ?? null);
}

async function checkLedger(store: Store, live: LiveGateway | null): Promise<LedgerCheckView> {
  const found = await store.books.check();
  const problems = [...found.problems, ...((await live?.checkLive()) ?? [])];
  return {
    ok: problems.length === 0,
    requests: found.requests,
    open: found.open,
    cost_usd: toUsdString(found.costNanoUsd),
    estimated: found.estimated,
    estimated_cost_usd: toUsdString(found.estimatedNanoUsd),
    problems,
  };
}

async function rebuildLedger(parts: BooksOperationsParts): Promise<LedgerRebuildView> {
  const { store, live, clock, actor } = parts;
  const { requests, corrected } = await store.books.rebuild();
  await live?.sumsRebuilt();
  const after = { requests, corrected_sums: corrected };
  const action = 'ledger.rebuild';
  store.audit.record({ atMs: clock.nowMs(), action, target: '', before: null, after, ...actor() });
  return { ...after, problems: (await live?.checkLive()) ?? [] };
}
