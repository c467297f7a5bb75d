import type { BooksWalk } from './books-walk.ts';
import { createProblems, type Problems } from './problems.ts';
import { openRequestCheck, toUuid } from './request-check.ts';
import type { Steps } from './requests-walk.ts';
import { rolledUpSeq } from './rollup.ts';
import { type Database, sqliteCode } from './sqlite.ts';
import type { LedgerCheck } from './store.ts';
import { GRAINS } from './sum-columns.ts';
import type { WrongSum } from './sums-comparison.ts';
import { sumStartMs } from './usage-range.ts';
import { checkDictionaries } from './verify-dictionaries.ts';

/** Sums told of one by one. */
const MAX_TOLD = 50;

/**
 * Recomputes the books from the rows and says everywhere that they disagree. Reads every row, in
 * steps, so it belongs on the books worker's thread; requests and reports go on meanwhile.
 */
export function* checkLedger(db: Database, walk: BooksWalk): Steps<LedgerCheck> {
  const problems = createProblems();
  try {
    for (const { message } of checkDictionaries(db)) problems.add(`${capital(message)}.`);
    yield;
    const open = checkOpenRows(db, problems);
    yield* checkRequests(db, walk, problems);
    const { requests, estimated, costNanoUsd, estimatedNanoUsd } = walk.tally.totals();
    const spend = walk.tally.spend();
    return {
      requests: Number(requests),
      open,
      estimated: Number(estimated),
      costNanoUsd,
      estimatedNanoUsd,
      spend,
      problems: problems.list(),
    };
  } catch (cause) {
    if (!sqliteCode(cause)?.startsWith('SQLITE_CORRUPT')) throw cause;
    problems.add('The database is damaged; its rows cannot be read.');
    return { ...NOTHING_READ, problems: problems.list() };
  } finally {
    walk.end();
  }
}

const NOTHING_READ: Omit<LedgerCheck, 'problems'> = {
  requests: 0,
  open: 0,
  estimated: 0,
  costNanoUsd: 0n,
  estimatedNanoUsd: 0n,
  spend: [],
};

/** Returns how many requests are open. */
function checkOpenRows(db: Database, problems: Problems): number {
  const both = db
    .prepare<[], string>('SELECT lower(hex(id)) FROM open_requests JOIN requests USING (id)')
    .pluck();
  for (const id of both.iterate()) {
    problems.add(`Request ${toUuid(id)} is open and finished at once.`);
  }
  const nobodys = db
    .prepare<[], string>(
      `SELECT lower(hex(o.id)) FROM open_requests o LEFT JOIN dimensions d ON d.id = o.dimension
       WHERE d.key IS NULL OR d.key = 0`,
    )
    .pluck();
  for (const id of nobodys.iterate()) problems.add(`Open request ${toUuid(id)} has no key.`);
  return Number(db.prepare('SELECT count(*) FROM open_requests').pluck().get());
}

function* checkRequests(db: Database, walk: BooksWalk, problems: Problems): Steps<void> {
  const check = openRequestCheck(db);
  const lastSeq = yield* walk.walk((afterSeq, toSeq) => {
    check.checkRows(afterSeq, toSeq, problems);
    check.checkAttempts(afterSeq, toSeq, problems);
  });
  check.checkAttempts(Number.MIN_SAFE_INTEGER, 0, problems);
  check.checkAttempts(lastSeq, Number.MAX_SAFE_INTEGER, problems);
  const summedSeq = rolledUpSeq(db);
  if (summedSeq > lastSeq && summedSeq > lastSeqNow(db)) {
    problems.add(`The sums claim requests up to number ${summedSeq}; the last one is ${lastSeq}.`);
  }
  for (const wrong of walk.comparison.findWrong(MAX_TOLD)) {
    const what = wrong.requests > 0 ? 'differ from their requests' : 'belong to no request';
    problems.add(`The sums of ${describeSum(db, wrong)} ${what}.`);
  }
  const untold = walk.comparison.countWrong() - MAX_TOLD;
  if (untold > 0) problems.add(`The sums of ${untold} more differ from their requests.`);
}

function lastSeqNow(db: Database): number {
  return Number(db.prepare('SELECT max(seq) FROM requests').pluck().get() ?? 0);
}

/** `the day 2026-11-20, K0000, ada, …`: enough to find the rows. */
function describeSum(db: Database, { grain, start, dimension, outcome }: WrongSum): string {
  const time = new Date(sumStartMs(grain, start)).toISOString();
  const words = db
    .prepare<[number], string>('SELECT words FROM dimensions WHERE id = ?')
    .pluck()
    .get(dimension);
  const name = db.prepare<[number], string>('SELECT name FROM names WHERE id = ?').pluck();
  const payers = words === undefined ? `dimension ${dimension}` : renderWords(words);
  return `${TIMES[grain](time)}, ${payers}, ${name.get(outcome) ?? outcome}`;
}

const TIMES = {
  [GRAINS.quarter]: (time: string) => `the quarter of an hour from ${time}`,
  [GRAINS.day]: (time: string) => `the day ${time.slice(0, 10)}`,
  [GRAINS.month]: (time: string) => `the month ${time.slice(0, 7)}`,
};

function renderWords(words: string): string {
  const parts: unknown[] = JSON.parse(words);
  return parts
    .map((part) => (typeof part === 'string' ? part : part === null ? '-' : JSON.stringify(part)))
    .join(', ');
}

function capital(sentence: string): string {
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
}
