import { expect, test } from 'vitest';
import { nanoUsd, ZERO_USD } from '../../src/core/money.ts';
import { OUTCOME_NAMES } from '../../src/core/outcome.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { costOf } from '../../src/pricing/cost.ts';
import { openBooks } from '../../src/store/books.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { FinishedRow } from '../../src/store/rows.ts';
import type { HourlySpend } from '../../src/store/store.ts';
import type { UsageDimension, UsageQuery, UsageRow } from '../../src/store/usage-report.ts';
import { aFinishedRow, aPrice } from '../support/request-rows.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';
import { thrownBy } from '../support/thrown.ts';

const START_MS = Date.UTC(2026, 9, 30, 22, 15);
const SPAN_MS = 4 * 24 * 3_600_000;
const EVERYTHING = { sinceMs: 0, untilMs: START_MS + 2 * SPAN_MS };

const PRICES = [
  aPrice({ input: 120_001, cachedInput: 30_000, output: 360_000, reasoning: 720_000 }),
  aPrice({ input: 3_000_000, cachedInput: 300_000, output: 15_000_000, reasoning: 15_000_000 }),
];

function randomRow(random: SeededRandom): FinishedRow {
  const outcome = random.pick(OUTCOME_NAMES);
  const isRefused = outcome === 'refused';
  const inputTokens = isRefused ? 0 : random.int(5_000);
  const outputTokens = isRefused ? 0 : random.int(2_000);
  const usage = {
    ...NO_USAGE,
    inputTokens,
    cachedInputTokens: random.int(inputTokens + 1),
    outputTokens,
    reasoningTokens: random.int(outputTokens + 1),
  };
  const price = random.int(4) === 0 ? null : random.pick(PRICES);
  return aFinishedRow({
    keyId: random.pick(['K1', 'K2', 'K3']),
    user: random.pick(['ada', 'bob', null]),
    team: random.pick(['research', null]),
    tags: random.pick([{}, { env: 'prod' }, { env: 'test', app: 'x' }, { app: 'x', env: 'test' }]),
    model: random.pick(['small', 'large']),
    backend: isRefused ? null : random.pick(['gpu0', 'gpu1']),
    endpoint: random.pick(['chat', 'embeddings']),
    outcome,
    startedAtMs: START_MS + random.int(SPAN_MS),
    ttftMs: random.int(5) === 0 ? null : random.int(100_000) / 100,
    usage,
    price,
    estimated: random.int(3) === 0,
    costNanoUsd: isRefused ? ZERO_USD : price && costOf(usage, price, 0),
  });
}

function groupOf(row: FinishedRow, dimension: UsageDimension): string | null {
  const startedAt = new Date(row.startedAtMs).toISOString();
  if (dimension === 'key') return row.keyId;
  if (dimension === 'hour') return `${startedAt.slice(0, 13)}:00:00Z`;
  if (dimension === 'day') return startedAt.slice(0, 10);
  if (dimension === 'month') return startedAt.slice(0, 7);
  if (dimension.startsWith('tag:')) return row.tags[dimension.slice(4)] ?? null;
  const named: Record<string, unknown> = { ...row };
  return (named[dimension] ?? null) as string | null;
}

/** The same report from the rows themselves, without the median. */
function bruteForce(rows: readonly FinishedRow[], query: UsageQuery): Map<string, object> {
  const groups = new Map<string, Omit<UsageRow, 'group' | 'ttftMsP50'>>();
  for (const row of rows) {
    if (row.startedAtMs < query.sinceMs || row.startedAtMs >= query.untilMs) continue;
    if (query.where.some((one) => groupOf(row, one.dimension) !== one.value)) continue;
    const name = JSON.stringify(query.by.map((dimension) => groupOf(row, dimension)));
    const sum = groups.get(name);
    groups.set(name, {
      requests: (sum?.requests ?? 0) + 1,
      errors: (sum?.errors ?? 0) + (row.outcome === 'served' ? 0 : 1),
      inputTokens: (sum?.inputTokens ?? 0) + row.usage.inputTokens,
      cachedInputTokens: (sum?.cachedInputTokens ?? 0) + row.usage.cachedInputTokens,
      outputTokens: (sum?.outputTokens ?? 0) + row.usage.outputTokens,
      reasoningTokens: (sum?.reasoningTokens ?? 0) + row.usage.reasoningTokens,
      costNanoUsd: (sum?.costNanoUsd ?? 0n) + BigInt(row.costNanoUsd ?? 0),
      unpriced: (sum?.unpriced ?? 0) + (row.costNanoUsd === null ? 1 : 0),
      estimated: (sum?.estimated ?? 0) + (row.estimated ? 1 : 0),
    });
  }
  return groups;
}

function inOrder(left: HourlySpend, right: HourlySpend): number {
  return left.hourStartMs - right.hourStartMs || left.keyId.localeCompare(right.keyId);
}

const queries: Omit<UsageQuery, 'sinceMs' | 'untilMs'>[] = [
  { by: [], where: [] },
  { by: ['key'], where: [] },
  { by: ['user', 'team', 'model', 'backend', 'endpoint', 'outcome'], where: [] },
  { by: ['hour', 'key'], where: [] },
  { by: ['day'], where: [{ dimension: 'model', value: 'small' }] },
  { by: ['month', 'tag:env'], where: [{ dimension: 'user', value: 'ada' }] },
  { by: ['tag:env', 'tag:app'], where: [] },
  { by: ['outcome'], where: [{ dimension: 'tag:app', value: 'x' }] },
  { by: ['key'], where: [{ dimension: 'month', value: '2026-10' }] },
  { by: ['key'], where: [{ dimension: 'day', value: '2026-11-01' }] },
  { by: ['key'], where: [{ dimension: 'hour', value: '2026-11-01T03:00:00Z' }] },
  { by: ['key'], where: [{ dimension: 'user', value: 'nobody' }] },
];

test('reports equal sums over the rows, however often the sums are interrupted', () => {
  const dataDir = tempDir();
  const random = createSeededRandom(20);
  const rows: FinishedRow[] = [];
  for (let round = 0; round < 6; round += 1) {
    const db = openDatabase(dataDir, 'process');
    const writer = openLedgerWriter(db);
    const fresh = Array.from({ length: 700 }, () => randomRow(random));
    writer.begin();
    for (const row of fresh) writer.settle(row, []);
    writer.commit();
    rows.push(...fresh);
    // One batch only: the connection ends in the middle, and the next one goes on from there.
    const books = openBooks(db);
    books.rollUpStep();
    if (round === 5) {
      for (const one of queries) {
        const query = { ...one, ...EVERYTHING };
        const report = books.usage(query);
        const got = report.rows.map(({ group, ttftMsP50: _, ...sums }) => [
          JSON.stringify(group),
          sums,
        ]);
        const wanted = bruteForce(rows, query);
        expect(new Map(got as [string, object][])).toEqual(wanted);
        expect(report.rows).toHaveLength(wanted.size);
        const [total = {}] = bruteForce(rows, { ...query, by: [] }).values();
        expect(report.total).toMatchObject(total);
      }
      const check = books.check();
      expect(check.problems).toEqual([]);
      expect(books.spend(0).toSorted(inOrder)).toEqual(check.spend.toSorted(inOrder));
    }
    db.close();
  }
});

test('rows come dearest first, then busiest, and in time when time leads', async () => {
  await using temp = await openTempStore();
  const { ledger, books } = temp.store;
  const book = (keyId: string, costNanoUsd: number, hour: number) =>
    ledger.settle(
      aFinishedRow({
        keyId,
        costNanoUsd: nanoUsd(costNanoUsd),
        startedAtMs: START_MS + hour * 3_600_000,
      }),
      [],
    );
  await Promise.all([book('K1', 5, 3), book('K2', 9, 2), book('K3', 2, 1), book('K3', 3, 1)]);
  const byKey = await books.usage({ by: ['key'], where: [], ...EVERYTHING });
  expect(byKey.rows.map((row) => row.group[0])).toEqual(['K2', 'K3', 'K1']);
  const byHour = await books.usage({ by: ['hour', 'key'], where: [], ...EVERYTHING });
  expect(byHour.rows.map((row) => row.group)).toEqual([
    ['2026-10-30T23:00:00Z', 'K3'],
    ['2026-10-31T00:00:00Z', 'K2'],
    ['2026-10-31T01:00:00Z', 'K1'],
  ]);
});

test('the time of a report widens to whole hours', async () => {
  await using temp = await openTempStore();
  const { ledger, books } = temp.store;
  for (const minutes of [-16, -15, 44, 45]) {
    await ledger.settle(aFinishedRow({ startedAtMs: START_MS + minutes * 60_000 }), []);
  }
  const report = await books.usage({
    by: [],
    where: [],
    sinceMs: START_MS,
    untilMs: START_MS + 60_000,
  });
  expect(report).toMatchObject({
    sinceMs: Date.UTC(2026, 9, 30, 22),
    untilMs: Date.UTC(2026, 9, 30, 23),
    total: { requests: 2 },
  });
});

test('sums pass 2^53 without losing a nano-dollar', async () => {
  await using temp = await openTempStore();
  const { ledger, books } = temp.store;
  const cost = nanoUsd(Number.MAX_SAFE_INTEGER);
  for (const round of [1n, 2n, 3n]) {
    await ledger.settle(aFinishedRow({ costNanoUsd: cost }), []);
    expect((await books.spend(0))[0]?.costNanoUsd).toBe(round * BigInt(cost));
  }
  const report = await books.usage({ by: ['key'], where: [], ...EVERYTHING });
  expect(report.total.costNanoUsd).toBe(3n * BigInt(Number.MAX_SAFE_INTEGER));
});

test('the median time to first token is within a bucket of the true one', async () => {
  await using temp = await openTempStore();
  const { ledger, books } = temp.store;
  const random = createSeededRandom(7);
  const times = Array.from({ length: 501 }, () => 0.3 + random.next() ** 4 * 3_000);
  await Promise.all(times.map((ttftMs) => ledger.settle(aFinishedRow({ ttftMs }), [])));
  const median = times.toSorted((a, b) => a - b)[250] ?? 0;
  const report = await books.usage({ by: ['model'], where: [], ...EVERYTHING });
  for (const row of [...report.rows, report.total]) {
    expect(Math.abs(Math.log2((row.ttftMsP50 ?? 0) / median))).toBeLessThan(1 / 8);
  }
});

test.each([
  ['day', '2026-13-40'],
  ['hour', '2026-11-01'],
  ['month', 'November'],
  ['key; DROP TABLE keys', 'x'],
] as [UsageDimension, string][])('a report where %s is %s is refused', (dimension, value) => {
  const db = openDatabase(tempDir(), 'process');
  const books = openBooks(db);
  const where = [{ dimension, value }];
  expect(thrownBy(() => books.usage({ by: [], where, ...EVERYTHING })).code).toBe(
    'invalid_request',
  );
  db.close();
});
