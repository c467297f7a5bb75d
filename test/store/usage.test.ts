import { expect, test } from 'vitest';
import { nanoUsd } from '../../src/core/money.ts';
import { openBooks } from '../../src/store/books.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { FinishedRow } from '../../src/store/rows.ts';
import type { Database } from '../../src/store/sqlite.ts';
import type { Spend } from '../../src/store/store.ts';
import { QUARTER_MS } from '../../src/store/usage-range.ts';
import type { UsageDimension, UsageQuery, UsageRow } from '../../src/store/usage-report.ts';
import { randomRow } from '../support/random-rows.ts';
import { aFinishedRow } from '../support/request-rows.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';
import { thrownBy } from '../support/thrown.ts';

const START_MS = Date.UTC(2026, 9, 30, 22, 15);
const DAY_MS = 24 * 3_600_000;
const SPAN_MS = 4 * DAY_MS;
const EVERYTHING = { sinceMs: 0, untilMs: START_MS + 2 * SPAN_MS };

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
  const groups = new Map<string, FinishedRow[]>();
  for (const row of rows) {
    if (row.startedAtMs < query.sinceMs || row.startedAtMs >= query.untilMs) continue;
    if (query.where.some((one) => groupOf(row, one.dimension) !== one.value)) continue;
    const name = JSON.stringify(query.by.map((dimension) => groupOf(row, dimension)));
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return new Map([...groups].map(([name, ofGroup]) => [name, sumOf(ofGroup)]));
}

function sumOf(rows: readonly FinishedRow[]): Omit<UsageRow, 'group' | 'ttftMsP50'> {
  const sum = (of: (row: FinishedRow) => number) => rows.reduce((all, row) => all + of(row), 0);
  const cost = (of: readonly FinishedRow[]) =>
    of.reduce((all, row) => all + BigInt(row.costNanoUsd ?? 0), 0n);
  return {
    requests: rows.length,
    errors: sum((row) => (row.outcome === 'served' ? 0 : 1)),
    inputTokens: sum((row) => row.usage.inputTokens),
    cachedInputTokens: sum((row) => row.usage.cachedInputTokens),
    cacheWriteTokens: sum((row) => row.usage.cacheWriteTokens),
    audioInputTokens: sum((row) => row.usage.audioInputTokens),
    imageInputTokens: sum((row) => row.usage.imageInputTokens),
    outputTokens: sum((row) => row.usage.outputTokens),
    reasoningTokens: sum((row) => row.usage.reasoningTokens),
    audioOutputTokens: sum((row) => row.usage.audioOutputTokens),
    imageOutputTokens: sum((row) => row.usage.imageOutputTokens),
    gpuUs: sum((row) => row.gpuUs),
    costNanoUsd: cost(rows),
    unpriced: sum((row) => (row.costNanoUsd === null ? 1 : 0)),
    estimated: sum((row) => (row.estimated ? 1 : 0)),
    estimatedNanoUsd: cost(rows.filter((row) => row.estimated)),
  };
}

function inOrder(left: Spend, right: Spend): number {
  const name = (one: Spend) => [one.keyId, one.user, one.team, one.tenant, one.model].join();
  return name(left).localeCompare(name(right));
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
    const fresh = Array.from({ length: 700 }, () => randomRow(random, START_MS, SPAN_MS));
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

test('the time of a report widens to whole quarters of an hour', async () => {
  await using temp = await openTempStore();
  const { ledger, books } = temp.store;
  for (const minutes of [-1, 0, 14, 15]) {
    await ledger.settle(aFinishedRow({ startedAtMs: START_MS + minutes * 60_000 }), []);
  }
  const report = await books.usage({
    by: [],
    where: [],
    sinceMs: START_MS + 60_000,
    untilMs: START_MS + 61_000,
  });
  expect(report).toMatchObject({
    sinceMs: START_MS,
    untilMs: START_MS + QUARTER_MS,
    total: { requests: 2 },
  });
});

/** What the rows of a time add up to, said in the plainest SQL. */
const STRAIGHT_SUM = `SELECT count(*) AS requests, total(outcome <> 'served') AS errors,
    total(cost_nano_usd IS NULL) AS unpriced, total(estimated) AS estimated,
    total(input_tokens) AS input, total(cache_write_tokens) AS cacheWrite,
    total(image_output_tokens) AS imageOutput, total(gpu_us) AS gpuUs,
    total(cost_nano_usd) AS cost, total(iif(estimated, cost_nano_usd, 0)) AS estimatedCost
  FROM request_log WHERE started_at_ms >= ? AND started_at_ms < ? AND (? IS NULL OR key = ?)`;

function straightSum(db: Database, sinceMs: number, untilMs: number, key: string | null): object {
  return db.prepare(STRAIGHT_SUM).get(sinceMs, untilMs, key, key) as object;
}

test('any range is the sum of its rows, whichever sums it is made of', () => {
  const random = createSeededRandom(Number(process.env['SEED'] ?? 77));
  const db = openDatabase(tempDir(), 'process');
  const firstMs = Date.UTC(2026, 9, 20);
  const spanMs = 100 * DAY_MS;
  const writer = openLedgerWriter(db);
  writer.begin();
  for (let n = 0; n < 3_000; n += 1) writer.settle(randomRow(random, firstMs, spanMs), []);
  writer.commit();
  const books = openBooks(db);
  // Edges on months, days, quarters and nothing at all, outside of what there is too.
  const units = [31 * DAY_MS, DAY_MS, QUARTER_MS, 1];
  const anEdge = () => {
    const timeMs = firstMs - 10 * DAY_MS + random.int(spanMs + 20 * DAY_MS);
    const unit = random.pick(units);
    if (unit !== units[0]) return Math.floor(timeMs / unit) * unit;
    const date = new Date(timeMs);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  };
  for (let n = 0; n < 150; n += 1) {
    const [one, other] = [anEdge(), anEdge() + QUARTER_MS];
    const range = { sinceMs: Math.min(one, other), untilMs: Math.max(one, other) };
    const key = random.pick(['K2', null]);
    const where = key === null ? [] : [{ dimension: 'key' as const, value: key }];
    const by = random.pick<UsageDimension[]>([[], ['day'], ['month', 'model'], ['hour']]);
    const { total, rows, sinceMs, untilMs } = books.usage({ by, where, ...range });
    expect(sinceMs).toBe(Math.floor(range.sinceMs / QUARTER_MS) * QUARTER_MS);
    expect(untilMs).toBe(Math.ceil(range.untilMs / QUARTER_MS) * QUARTER_MS);
    expect({
      requests: total.requests,
      errors: total.errors,
      unpriced: total.unpriced,
      estimated: total.estimated,
      input: total.inputTokens,
      cacheWrite: total.cacheWriteTokens,
      imageOutput: total.imageOutputTokens,
      gpuUs: total.gpuUs,
      cost: Number(total.costNanoUsd),
      estimatedCost: Number(total.estimatedNanoUsd),
    }).toEqual(straightSum(db, sinceMs, untilMs, key));
    expect(rows.reduce((sum, row) => sum + row.requests, 0)).toBe(total.requests);
    const spent = books.spend(sinceMs).reduce((sum, spend) => sum + spend.costNanoUsd, 0n);
    const { cost } = straightSum(db, sinceMs, Number.MAX_SAFE_INTEGER, null) as { cost: number };
    expect(Number(spent)).toBe(cost);
  }
  db.close();
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

test('tokens of a model without a price are remembered, whatever they were used through', async () => {
  await using temp = await openTempStore();
  const { ledger, books } = temp.store;
  const used = (tags: FinishedRow['tags'], outputTokens: number) =>
    ledger.settle(aFinishedRow({ tags, usage: { ...aFinishedRow().usage, outputTokens } }), []);
  await Promise.all([used({ step: 'plan' }, 0), used({ step: 'do' }, 59), used({ step: 'a' }, 0)]);
  expect(await books.spend(0)).toMatchObject([{ tokens: 59n, costNanoUsd: 0n }]);
});
