import { keptFromMs, readKeptSums } from './kept-sums.ts';
import { findUnprovable, type TimeRange } from './purged-sums.ts';
import type { Database, SqlValue } from './sqlite.ts';
import {
  ADD_SUMS,
  GRAINS,
  type Grain,
  SUM_COLUMNS,
  SUM_KEY,
  SUM_TABLE,
  sameKey,
} from './sum-columns.ts';
import { storedTtft } from './ttft-functions.ts';
import { DAY_MS, monthOf, QUARTER_MS } from './usage-range.ts';

// Holds the sums against the rows that they were made of, over many short steps between which a
// gateway goes on. The rows are summed anew, in their order, into a temporary table; what agrees
// with the stored sums is forgotten once no more rows of its time are expected, so that little is
// kept however many rows there are.
//
// A row can still come late: it was settled hours after it had started. Then its sum was found to
// agree without it, so all that is late is a rest: by so much the stored sum is short. What a
// roll-up adds to the stored sums meanwhile is added here too, where the sum is still kept.

/** Rows that settle when requests start that much later are late. */
const OPEN_QUARTERS = 8;

const QUARTERS_PER_DAY = DAY_MS / QUARTER_MS;
const KEY = SUM_KEY.join(', ');
const FOR_EVER = Number.MAX_SAFE_INTEGER;

const CREATE = `CREATE TEMP TABLE IF NOT EXISTS compared_sums
  (${SUM_TABLE.slice(0, -1).join(', ')}, is_rest INTEGER NOT NULL, ${SUM_TABLE.at(-1)})
  STRICT, WITHOUT ROWID`;

const KEPT = `FROM temp.compared_sums c WHERE ${sameKey('c', 'b')}`;

const IS_LATE = `b.start < CASE b.grain
  WHEN ${GRAINS.quarter} THEN @quarter WHEN ${GRAINS.day} THEN @day ELSE @month END`;

/** Histograms are kept as the samples come, and only joined when that gets long. */
const ADD_TTFT = `ttft = CASE
  WHEN ttft IS NULL OR excluded.ttft IS NULL THEN coalesce(ttft, excluded.ttft)
  WHEN length(ttft) + length(excluded.ttft) < 2000 THEN ttft || ',' || excluded.ttft
  ELSE add_ttft(ttft, excluded.ttft) END`;

function addBatch(condition: string): string {
  return `INSERT INTO temp.compared_sums
    SELECT ${columnsOf('b')}, b.ttft, ${IS_LATE} FROM temp.sum_batch b WHERE ${condition}
    ${ADD_SUMS}, ${ADD_TTFT}`;
}

/** Stored sums for which no row was seen yet. */
const ADD_UNSEEN = `INSERT INTO temp.compared_sums
  SELECT b.grain, b.start, b.dimension, b.outcome, ${SUM_COLUMNS.map(() => '0').join(', ')}, NULL, 0
  FROM usage_sums b WHERE b.grain = @grain AND b.start >= @from AND b.start < @to
    AND NOT EXISTS (SELECT 1 ${KEPT})`;

const FORGET_EQUAL = `DELETE FROM temp.compared_sums AS b
  WHERE b.grain = @grain AND b.start >= @from AND b.start < @to AND NOT b.is_rest AND EXISTS (
    SELECT 1 FROM usage_sums s WHERE ${sameKey('s', 'b')}
      AND (${columnsOf('s')}) = (${columnsOf('b')}) AND s.ttft IS ${storedTtft('b.ttft')})`;

const FORGET = `DELETE FROM temp.compared_sums
  WHERE grain = @grain AND start >= @from AND start < @to`;

type Span = { readonly grain: Grain; readonly from: number; readonly to: number };

type Opened = { quarter: number; day: number; month: number };

/** A stored sum that is not what its rows add up to. */
export interface WrongSum {
  readonly grain: Grain;
  readonly start: number;
  readonly dimension: number;
  readonly outcome: number;
  /** That there should be; none when the sum belongs to no row. */
  readonly requests: number;
}

export interface SumsComparison {
  /** Forgets what was compared before. */
  begin(): void;
  /** Takes the sums in `temp.sum_batch`: of the next rows, or of rows that were removed. */
  add(): void;
  /** Takes the sums in `temp.sum_batch`, which are about to be added to the stored ones. */
  addMoved(): void;
  /** Rows are left out that were removed: their times are to be found anew. */
  rowsWereRemoved(): void;
  /** After the last rows. What is kept then is wrong. */
  finish(): void;
  countWrong(): number;
  findWrong(limit: number): WrongSum[];
  /** Puts up to `limit` of them right in one transaction. Returns how many there were. */
  repair(limit: number): number;
}

export function openSumsComparison(db: Database): SumsComparison {
  db.exec(CREATE);
  const statements = prepareAll(db);
  let opened: Opened = { quarter: 0, day: 0, month: 0 };
  let unprovable: readonly Span[] = [];

  function close(upTo: Opened): void {
    for (const [name, grain] of GRAIN_NAMES) {
      const from = opened[name];
      const to = upTo[name];
      if (to <= from) continue;
      compare({ grain, from, to }, statements);
    }
    opened = upTo;
  }

  function compare(span: Span, { addUnseen, forgetEqual }: typeof statements): void {
    let { from } = span;
    const gaps = unprovable.filter(({ grain }) => grain === span.grain);
    for (const gap of [...gaps, { from: span.to, to: span.to }]) {
      const to = Math.min(gap.from, span.to);
      if (from < to) {
        addUnseen.run({ grain: span.grain, from, to });
        forgetEqual.run({ grain: span.grain, from, to });
      }
      from = Math.max(from, gap.to);
    }
  }

  return {
    begin() {
      statements.clear.run();
      opened = { quarter: 0, day: 0, month: 0 };
      unprovable = findGaps(db);
    },
    add() {
      statements.add.run(opened);
      const newest = statements.readNewest.get();
      if (newest === null || newest === undefined) return;
      const quarter = newest - OPEN_QUARTERS;
      if (quarter <= opened.quarter) return;
      const month = monthOf(quarter * QUARTER_MS);
      close({ quarter, day: Math.floor(quarter / QUARTERS_PER_DAY), month });
    },
    addMoved: () => void statements.addMoved.run(opened),
    rowsWereRemoved() {
      unprovable = findGaps(db);
    },
    finish() {
      close({ quarter: FOR_EVER, day: FOR_EVER, month: FOR_EVER });
      for (const [, grain] of GRAIN_NAMES) {
        statements.forgetEqual.run({ grain, from: 0, to: FOR_EVER });
      }
      for (const gap of unprovable) statements.forget.run(gap);
    },
    countWrong: () => Number(statements.count.get()),
    findWrong: (limit) => statements.find.all(limit),
    repair: (limit) => repair(db, statements, limit),
  };
}

const GRAIN_NAMES = [
  ['quarter', GRAINS.quarter],
  ['day', GRAINS.day],
  ['month', GRAINS.month],
] as const;

function prepareAll(db: Database) {
  const columns = `${KEY}, ${SUM_COLUMNS.join(', ')}, ttft`;
  const places = columns.replaceAll(/\w+/g, '?');
  return {
    clear: db.prepare('DELETE FROM temp.compared_sums'),
    add: db.prepare<[Opened]>(addBatch('true')),
    addMoved: db.prepare<[Opened]>(
      addBatch(`NOT ${IS_LATE} OR EXISTS (SELECT 1 ${KEPT} AND NOT c.is_rest)`),
    ),
    readNewest: db
      .prepare<[], number | null>(
        `SELECT max(start) FROM temp.sum_batch WHERE grain = ${GRAINS.quarter}`,
      )
      .pluck(),
    addUnseen: db.prepare<[Span]>(ADD_UNSEEN),
    forgetEqual: db.prepare<[Span]>(FORGET_EQUAL),
    forget: db.prepare<[Span]>(FORGET),
    count: db.prepare<[], number>('SELECT count(*) FROM temp.compared_sums').pluck(),
    find: db.prepare<[number], WrongSum>(
      `SELECT ${KEY}, requests FROM temp.compared_sums ORDER BY ${KEY} LIMIT ?`,
    ),
    take: db
      .prepare<[number], SqlValue[]>(
        `SELECT ${KEY}, ${SUM_COLUMNS.join(', ')}, ${storedTtft('ttft')}, is_rest
         FROM temp.compared_sums ORDER BY ${KEY} LIMIT ?`,
      )
      .raw()
      .safeIntegers(),
    drop: db.prepare<SqlValue[]>(`DELETE FROM temp.compared_sums WHERE (${KEY}) = (?, ?, ?, ?)`),
    removeSum: db.prepare<SqlValue[]>(`DELETE FROM usage_sums WHERE (${KEY}) = (?, ?, ?, ?)`),
    replaceSum: db.prepare<SqlValue[]>(
      `INSERT OR REPLACE INTO usage_sums (${columns}) VALUES (${places})`,
    ),
    addRest: db.prepare<SqlValue[]>(
      `INSERT INTO usage_sums (${columns}) VALUES (${places})
       ${ADD_SUMS}, ttft = iif(excluded.ttft IS NULL, ttft, add_ttft(ttft, excluded.ttft))`,
    ),
  };
}

function repair(db: Database, statements: ReturnType<typeof prepareAll>, limit: number): number {
  const wrong = statements.take.all(limit);
  const write = db.transaction(() => {
    for (const columns of wrong) {
      const sum = columns.slice(0, -1);
      const key = sum.slice(0, SUM_KEY.length);
      const hasRows = Number(sum[SUM_KEY.length]) > 0;
      if (Number(columns.at(-1)) === 1) statements.addRest.run(...sum);
      else if (hasRows) statements.replaceSum.run(...sum);
      else statements.removeSum.run(...key);
      statements.drop.run(...key);
    }
  });
  write.immediate();
  return wrong.length;
}

/** Quarters and days of which rows or sums were removed, in order. */
function findGaps(db: Database): Span[] {
  const kept = readKeptSums(db);
  const toSpans = (grain: Grain, unitMs: typeof QUARTER_MS | typeof DAY_MS) =>
    [{ fromMs: 0, toMs: keptFromMs(grain, kept) }, ...findUnprovable(db, unitMs)].map(
      ({ fromMs, toMs }: TimeRange): Span => ({ grain, from: fromMs / unitMs, to: toMs / unitMs }),
    );
  return [...toSpans(GRAINS.quarter, QUARTER_MS), ...toSpans(GRAINS.day, DAY_MS)];
}

function columnsOf(table: string): string {
  return [...SUM_KEY, ...SUM_COLUMNS].map((column) => `${table}.${column}`).join(', ');
}
