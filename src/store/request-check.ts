import type { Price } from '../core/price.ts';
import { costOf } from '../pricing/cost.ts';
import { fromPriceText } from './price-text.ts';
import type { Problems } from './problems.ts';
import type { Database } from './sqlite.ts';
import { fromUsageColumns, USAGE_COLUMNS, type UsageColumns } from './usage-columns.ts';

interface CheckedRow extends UsageColumns {
  readonly seq: number;
  readonly id: string;
  readonly key: number | null;
  readonly ending: number;
  readonly gpu_us: number;
  readonly price: number;
  readonly cost_nano_usd: number | null;
}

interface Ending {
  readonly outcome: string | null;
  readonly usageSource: string | null;
}

const SELECT_ROWS = `SELECT r.seq, lower(hex(r.id)) AS id, d.key, r.ending,
    ${USAGE_COLUMNS.map((column) => `r.${column}`).join(', ')},
    r.gpu_us, r.price, r.cost_nano_usd
  FROM requests r LEFT JOIN dimensions d ON d.id = r.dimension
  WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq`;

const SELECT_ORPHANS = `SELECT DISTINCT request_seq FROM attempts
  WHERE request_seq > ? AND request_seq <= ?
    AND NOT EXISTS (SELECT 1 FROM requests WHERE seq = request_seq)`;

/** Checks finished requests one by one: who pays, that parts fit in their totals, what it cost. */
export interface RequestCheck {
  /** The rows after `afterSeq` up to `toSeq`, all of which should be there. */
  checkRows(afterSeq: number, toSeq: number, problems: Problems): void;
  checkAttempts(afterSeq: number, toSeq: number, problems: Problems): void;
}

export function openRequestCheck(db: Database): RequestCheck {
  const selectRows = db.prepare<[number, number], CheckedRow>(SELECT_ROWS);
  const selectOrphans = db.prepare<[number, number], number>(SELECT_ORPHANS).pluck();
  const findEnding = openEndings(db);
  const findPrice = openPrices(db);

  function checkRow(row: CheckedRow, problems: Problems): void {
    const say = (what: string) => problems.add(`Request ${toUuid(row.id)} ${what}.`);
    const ending = findEnding(row.ending);
    if (!row.key) say('has no key');
    if (ending?.outcome == null) say('has no outcome');
    checkTokens(row, say);
    const price = findPrice(row.price);
    if (price === undefined) return say('has a price that is not stored');
    const isRefused = ending?.outcome === 'refused';
    if (isRefused || ending?.usageSource === 'none') {
      return checkFree(row, isRefused ? 'was refused' : 'asked no backend', say);
    }
    const due = price === null ? null : costOf(fromUsageColumns(row), price, row.gpu_us);
    if (due === row.cost_nano_usd) return;
    say(`cost ${inWords(row.cost_nano_usd)}, by its price and usage it is ${inWords(due)}`);
  }

  return {
    checkRows(afterSeq, toSeq, problems) {
      let last = afterSeq;
      for (const row of selectRows.all(afterSeq, toSeq)) {
        if (row.seq !== last + 1) sayMissing(last + 1, row.seq - 1, problems);
        last = row.seq;
        checkRow(row, problems);
      }
      if (last < toSeq) sayMissing(last + 1, toSeq, problems);
    },
    checkAttempts(afterSeq, toSeq, problems) {
      for (const seq of selectOrphans.iterate(afterSeq, toSeq)) {
        problems.add(`An attempt belongs to request number ${seq}, which does not exist.`);
      }
    },
  };
}

type Say = (what: string) => void;

function checkTokens(row: CheckedRow, say: Say): void {
  const input =
    row.cached_input_tokens +
    row.cache_write_tokens +
    row.audio_input_tokens +
    row.image_input_tokens;
  const output = row.reasoning_tokens + row.audio_output_tokens + row.image_output_tokens;
  if (input > row.input_tokens) say('has parts of its input that are more than its input');
  if (output > row.output_tokens) say('has parts of its output that are more than its output');
  if (USAGE_COLUMNS.some((column) => row[column] < 0)) say('has a negative number of tokens');
  if (row.gpu_us < 0) say('took less than no GPU time');
}

function checkFree(row: CheckedRow, why: string, say: Say): void {
  if (USAGE_COLUMNS.some((column) => row[column] > 0)) say(`${why} and yet used tokens`);
  if (row.cost_nano_usd) say(`${why} and yet cost ${row.cost_nano_usd} nano-dollars`);
}

function sayMissing(fromSeq: number, toSeq: number, problems: Problems): void {
  const which =
    fromSeq === toSeq
      ? `Request number ${fromSeq} is`
      : `Requests number ${fromSeq} to ${toSeq} are`;
  problems.add(`${which} missing.`);
}

function openEndings(db: Database) {
  const select = db.prepare<[number], Ending>(
    `SELECT o.name AS outcome, u.name AS usageSource FROM endings x
     LEFT JOIN names o ON o.id = x.outcome LEFT JOIN names u ON u.id = x.usage_source
     WHERE x.id = ?`,
  );
  const known = new Map<number, Ending>();
  return (id: number): Ending | undefined => {
    const ending = known.get(id) ?? select.get(id);
    if (ending !== undefined) known.set(id, ending);
    return ending;
  };
}

/** null for a request without a price, undefined for one that is not stored. */
function openPrices(db: Database) {
  const select = db.prepare<[number], string>('SELECT price FROM prices WHERE id = ?').pluck();
  const known = new Map<number, Price>();
  return (id: number): Price | null | undefined => {
    if (id === 0) return null;
    const price = known.get(id);
    if (price !== undefined) return price;
    const text = select.get(id);
    if (text === undefined) return undefined;
    const read = fromPriceText(text);
    known.set(id, read);
    return read;
  };
}

function inWords(costNanoUsd: number | null): string {
  return costNanoUsd === null ? 'unknown' : `${costNanoUsd} nano-dollars`;
}

export function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
