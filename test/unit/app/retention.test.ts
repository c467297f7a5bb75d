import { describe, expect, onTestFinished, test } from 'vitest';
import { type Retention, startRetention } from '../../../src/app/retention.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { createCheckpointer } from '../../../src/store/checkpointer.ts';
import type { PurgeOrder, PurgeResult } from '../../../src/store/retention.ts';
import { createLogBook, type LogBook } from '../../support/log-book.ts';
import { DAY_MS, openRetentionLab, type RetentionLab } from '../../support/retention-lab.ts';
import { someSigningKey } from '../../support/some-signing-key.ts';

const MINUTE_MS = 60_000;

interface Lab extends RetentionLab, LogBook {
  readonly retention: Retention;
  /** What was asked of the books, in order. */
  readonly asked: PurgeOrder[];
  exported: number;
  /** Lets so many minutes pass, with a look in each. */
  pass(minutes: number): Promise<void>;
  answer: ((order: PurgeOrder) => Promise<PurgeResult>) | null;
}

async function openLab(
  retention = '30d',
  before: (lab: RetentionLab) => void = () => {},
): Promise<Lab> {
  const books = await openRetentionLab();
  const { store, clock } = books;
  before(books);
  const book = createLogBook();
  const text = `backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:8000" }\naudit: { retention: ${retention}, content_retention: 1h }\n`;
  const config = parseConfig(text, { name: 'llmgate.yaml', env: {}, folder: '/' }).config;
  const asked: PurgeOrder[] = [];
  const purge = (order: PurgeOrder) => {
    asked.push(order);
    return lab.answer === null ? store.books.purge(order) : lab.answer(order);
  };
  const started = startRetention({
    records: {
      store: { legalHolds: store.legalHolds, audit: store.audit, books: { ...store.books, purge } },
      copies: { exportedUpTo: () => lab.exported },
    },
    ...{ clock, log: book.log, config: () => config },
  });
  onTestFinished(() => started.close());
  const lab: Lab = Object.assign(Object.create(book), {
    ...books,
    ...{
      log: book.log,
      retention: started,
      asked,
      exported: Number.POSITIVE_INFINITY,
      answer: null,
    },
    async pass(minutes: number) {
      for (let minute = 0; minute < minutes; minute += 1) {
        clock.advance(MINUTE_MS);
        await started.look();
      }
    },
  });
  return lab;
}

describe('a run', () => {
  test('comes an hour after the start and every hour from then on', async () => {
    const lab = await openLab();
    await lab.settle([40, 39.9, 20, 1]);
    await lab.pass(59);
    expect(lab.asked).toEqual([]);
    await lab.pass(1);
    expect(lab.asked.map(({ purge }) => purge)).toEqual([
      ...['requests', 'admin_events', 'usage_sums', 'checkpoints', 'budgets'],
    ]);
    expect(lab.rows()).toEqual([3, 4]);
    expect(lab.retention.stats()).toMatchObject({ rows: 2, runs: 1, failures: 0, waitMs: 0 });
    await lab.pass(120);
    expect(lab.retention.stats()).toMatchObject({ rows: 2, runs: 3 });
    // Where nothing was left to go it is not looked for again.
    expect(lab.asked.at(-5)).toMatchObject({ purge: 'requests', afterSeq: 2 });
  });

  test('removes a week at most, and a day at least', async () => {
    const lab = await openLab();
    await lab.settle([60, 55, 50, 45, 40, 35, 30.5, 1]);
    const left: number[] = [];
    for (let hours = 0; hours < 7; hours += 1) {
      await lab.pass(60);
      left.push(lab.rows().length);
    }
    expect(left).toEqual([6, 4, 2, 2, 2, 2, 2]);
    await lab.pass(12 * 60);
    expect(lab.rows()).toEqual([8]);
  });

  test('looks at everything again when a hold was released', async () => {
    const lab = await openLab();
    await lab.settle([40, 40, 40, 1]);
    const subject = { scope: 'key', subject: 'K00000000001', reason: 'case 7' } as const;
    const hold = lab.store.legalHolds.place({ ...subject, createdAtMs: 1 });
    await lab.pass(60);
    expect(lab.rows()).toEqual([2, 4]);
    lab.store.legalHolds.release(hold.id, 2);
    await lab.pass(60);
    expect(lab.rows()).toEqual([4]);
  });

  test('leaves what a sink does not have yet', async () => {
    const lab = await openLab();
    await lab.settle([40, 40, 40, 1]);
    lab.exported = 1;
    await lab.pass(60);
    expect(lab.rows()).toEqual([2, 3, 4]);
  });

  test('that fails is tried again an hour later; the log tells of it once', async () => {
    const lab = await openLab();
    lab.answer = () => Promise.reject(new Error('the disk is full'));
    await lab.pass(180);
    expect(lab.retention.stats()).toMatchObject({ runs: 0, failures: 3, isFailing: true });
    lab.answer = null;
    await lab.pass(60);
    expect(lab.retention.stats()).toMatchObject({ runs: 1, failures: 3, isFailing: false });
    expect(lab.events).toEqual(['purge_failed', 'purge_recovered']);
  });

  test('ends between two portions when the gateway does', async () => {
    const lab = await openLab();
    lab.answer = async (order) => {
      lab.retention.close();
      return { rows: 1, nextSeq: 0, cutoffMs: order.cutoffMs, isDone: false, fault: null };
    };
    await lab.pass(60);
    expect(lab.asked).toHaveLength(1);
  });
});

describe('a wall clock', () => {
  const FILLED = [20, 19, 18, 10, 9, 1];

  test('that jumps a year ahead removes nothing for a day', async () => {
    const lab = await openLab();
    await lab.settle(FILLED);
    await lab.pass(90);
    lab.clock.setWall(lab.clock.nowMs() + 365 * DAY_MS);
    await lab.pass(24 * 60);
    expect(lab.rows()).toHaveLength(FILLED.length);
    expect(lab.events).toContain('clock_jumped');
    expect(lab.retention.stats().waitMs).toBeGreaterThan(0);
    // From then on it is taken at its word, a week of rows an hour.
    await lab.pass(2);
    expect(lab.rows()).toEqual([4, 5, 6]);
  });

  test('that is put right again in time has done no harm', async () => {
    const lab = await openLab();
    await lab.settle(FILLED);
    await lab.pass(90);
    lab.clock.setWall(lab.clock.nowMs() + 365 * DAY_MS);
    await lab.pass(23 * 60);
    lab.clock.setWall(lab.clock.nowMs() - 365 * DAY_MS);
    await lab.pass(5 * 60);
    expect(lab.retention.stats()).toMatchObject({ rows: 0, waitMs: 0 });
    expect(lab.rows()).toHaveLength(FILLED.length);
  });

  test('that is a year ahead at the start removes nothing for a day', async () => {
    const lab = await openLab('30d', ({ store, clock }) => {
      const key = someSigningKey(store.audit.installId);
      createCheckpointer({ audit: store.audit, clock, key }).take();
      clock.setWall(clock.nowMs() + 365 * DAY_MS);
    });
    await lab.settle(FILLED);
    await lab.pass(24 * 60 - 1);
    expect(lab.rows()).toHaveLength(FILLED.length);
    await lab.pass(1);
    expect(lab.rows()).toEqual([4, 5, 6]);
  });

  test('that jumps by an hour is watched for an hour', async () => {
    const lab = await openLab();
    await lab.settle([40, 1]);
    await lab.pass(59);
    lab.clock.setWall(lab.clock.nowMs() + 60 * MINUTE_MS);
    await lab.pass(60);
    expect(lab.asked).toEqual([]);
    await lab.pass(1);
    expect(lab.rows()).toEqual([2]);
  });

  test('that is kept in step by small corrections is believed', async () => {
    const lab = await openLab();
    for (let minute = 0; minute < 60; minute += 1) {
      lab.clock.setWall(lab.clock.nowMs() + 1_000);
      await lab.pass(1);
    }
    expect(lab.retention.stats()).toMatchObject({ runs: 1 });
  });
});
