import { fillWithPurged } from './purged-sums.ts';
import type { Database } from './sqlite.ts';
import { openSumBatch } from './sum-batch.ts';
import { ADD_SUMS, GRAINS, SUM_COLUMNS, SUM_TABLE } from './sum-columns.ts';
import { storedTtft } from './ttft-functions.ts';

/** Gathers what purged rows of one chain add up to, a stretch at a time. */
export interface PurgedSums {
  clear(): void;
  /** Takes rows that are there: those after `afterSeq` up to `toSeq`. */
  addRows(afterSeq: number, toSeq: number): void;
  /** Takes the `sums` of a range. */
  addRange(sums: string): void;
  /** How many single sums there are by now. */
  count(): number;
  /** As `purged_ranges.sums` is to hold it. */
  render(): string;
}

const CREATE = `CREATE TEMP TABLE IF NOT EXISTS purge_sums (${SUM_TABLE.join(', ')})
  STRICT, WITHOUT ROWID`;

const ADD_MONTHS = `INSERT INTO temp.purge_sums
  SELECT * FROM temp.sum_batch WHERE grain = ${GRAINS.month} ${ADD_SUMS},
    ttft = iif(excluded.ttft IS NULL, ttft, add_ttft(ttft, excluded.ttft))`;

const COLUMNS = ['start', 'dimension', 'outcome', ...SUM_COLUMNS].join(', ');

const RENDER = `SELECT coalesce(json_group_array(json_array(${COLUMNS}, ${storedTtft('ttft')})), '[]')
  FROM temp.purge_sums`;

interface Span {
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

const SELECT_SPAN = `SELECT min(started_at_ms) AS firstMs, max(started_at_ms) AS lastMs
  FROM requests WHERE seq > ? AND seq <= ?`;

const SELECT_RANGE_SPAN = `SELECT @sums ->> '$.first_ms' AS firstMs,
  @sums ->> '$.last_ms' AS lastMs`;

/** What `store/purged-sums.ts` describes. All arithmetic is SQLite's, so that 64 bits are exact. */
export function openRequestSums(db: Database): PurgedSums {
  const batch = openSumBatch(db);
  db.exec(CREATE);
  const clear = db.prepare('DELETE FROM temp.purge_sums');
  const addMonths = db.prepare(ADD_MONTHS);
  const count = db.prepare<[], number>('SELECT count(*) FROM temp.purge_sums').pluck();
  const render = db.prepare<[], string>(RENDER).pluck();
  const selectSpan = db.prepare<[number, number], Span>(SELECT_SPAN);
  const selectRangeSpan = db.prepare<[{ readonly sums: string }], Span>(SELECT_RANGE_SPAN);
  let span = openSpan();

  return {
    clear() {
      clear.run();
      span = openSpan();
    },
    addRows(afterSeq, toSeq) {
      batch.fill(afterSeq, toSeq);
      batch.widen();
      addMonths.run();
      span.add(selectSpan.get(afterSeq, toSeq));
    },
    addRange(sums) {
      fillWithPurged(db, sums);
      addMonths.run();
      span.add(selectRangeSpan.get({ sums }));
    },
    count: () => count.get() ?? 0,
    render: () => `${span.render()},"sums":${render.get()}}`,
  };
}

const SELECT_EVENT_SPAN = `SELECT min(at_ms) AS firstMs, max(at_ms) AS lastMs
  FROM admin_events WHERE seq > ? AND seq <= ?`;

const SELECT_ACTIONS = `SELECT action, count(*) FROM admin_events
  WHERE seq > ? AND seq <= ? GROUP BY 1`;

const SELECT_RANGE_ACTIONS = `SELECT key, value FROM json_each(?, '$.actions')`;

/** Of events: `{"first_ms": …, "last_ms": …, "actions": {"key.create": 3, …}}`. */
export function openEventSums(db: Database): PurgedSums {
  type Counted = readonly [action: string, events: number];
  const selectSpan = db.prepare<[number, number], Span>(SELECT_EVENT_SPAN);
  const selectRangeSpan = db.prepare<[{ readonly sums: string }], Span>(SELECT_RANGE_SPAN);
  const selectActions = db.prepare<[number, number], Counted>(SELECT_ACTIONS).raw();
  const selectRangeActions = db.prepare<[string], Counted>(SELECT_RANGE_ACTIONS).raw();
  const actions = new Map<string, number>();
  let span = openSpan();
  const add = (counted: readonly Counted[]): void => {
    for (const [action, events] of counted) {
      actions.set(action, (actions.get(action) ?? 0) + events);
    }
  };

  return {
    clear() {
      actions.clear();
      span = openSpan();
    },
    addRows(afterSeq, toSeq) {
      add(selectActions.all(afterSeq, toSeq));
      span.add(selectSpan.get(afterSeq, toSeq));
    },
    addRange(sums) {
      add(selectRangeActions.all(sums));
      span.add(selectRangeSpan.get({ sums }));
    },
    count: () => actions.size,
    render() {
      const sorted = [...actions].toSorted(([a], [b]) => (a < b ? -1 : 1));
      return `${span.render()},"actions":${JSON.stringify(Object.fromEntries(sorted))}}`;
    },
  };
}

function openSpan() {
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    add(span: Span | undefined) {
      firstMs = Math.min(firstMs, span?.firstMs ?? firstMs);
      lastMs = Math.max(lastMs, span?.lastMs ?? lastMs);
    },
    /** The beginning of a JSON object. */
    render() {
      const isEmpty = firstMs > lastMs;
      return `{"first_ms":${isEmpty ? null : firstMs},"last_ms":${isEmpty ? null : lastMs}`;
    },
  };
}
