import { NO_USAGE, type Usage } from '../../../src/core/usage.ts';
import type { OpenRow } from '../../../src/store/rows.ts';
import { brokenLinks } from '../chain-walk.ts';
import type { VendorRequest } from './fake-vendor.ts';
import type { Known } from './known.ts';
import { naiveCost } from './naive-money.ts';
import { hex, type Plant, type SqlRow } from './plant.ts';
import { CONTEXT_TOKENS } from './scene.ts';
import { verifyInline } from './verify-inline.ts';

/** What holds when nothing runs. */
export async function checkAtRest(plant: Plant): Promise<void> {
  checkNothingLeft(plant);
  checkRows(plant);
  for (const problem of [...checkSlots(plant), ...plant.gpu.problems()]) plant.fail(problem);
  await checkBooks(plant);
}

function checkNothingLeft(plant: Plant): void {
  const { gate, budgets, store } = plant;
  const nowMs = plant.clock.monotonicMs();
  const { holds, heldNanoUsd, heldTokens } = budgets.stats();
  const { queued, unwritten, dropped } = store.ledger.stats();
  const [open] = plant.query('SELECT count(*) AS count FROM open_requests');
  const left = {
    inFlight: gate.inFlight.size,
    ...{ holds, heldNanoUsd, heldTokens, queued, unwritten, dropped },
    open: Number(open?.['count']),
    atVendors: [...plant.known.values()].flatMap(({ asked }) => asked.filter((of) => of.isLive))
      .length,
    bytes: gate.load.bytesInFlight,
    copies: gate.shadows.size,
    inLine: gate.scheduler.lines().length,
    places: gate.scheduler.views(nowMs).reduce((sum, { inFlight }) => sum + inFlight, 0),
  };
  for (const [what, count] of Object.entries(left)) {
    if (count !== 0) plant.fail(`at rest: ${what} is ${count}`);
  }
}

/** One row for each request that a vendor saw, and in it what the vendor would bill. */
function checkRows(plant: Plant): void {
  const rows = plant.query('SELECT * FROM request_log ORDER BY seq');
  const byId = new Map(rows.map((row) => [String(row['id']), row]));
  if (byId.size !== rows.length) plant.fail('a request has two rows');
  for (const known of plant.known.values()) {
    const row = byId.get(hex(known.id));
    if (row === undefined) {
      const isLost = known.isUnrecorded && known.epoch !== plant.epoch;
      if (known.asked.length > 0 && !isLost) plant.fail(`no row for ${known.id}`);
      continue;
    }
    if (row['content_ref'] !== null && !known.isCaptured) plant.fail(`${known.id} has content`);
    const difference = differenceOf(known, row, plant.scene.pool.hedges);
    if (difference !== null) {
      plant.fail(`${known.id} ${row['endpoint']} ${row['outcome']}: ${difference}`);
    }
  }
}

const PARTS = [
  ...(['inputTokens', 'cachedInputTokens', 'cacheWriteTokens', 'audioInputTokens'] as const),
  ...(['imageInputTokens', 'outputTokens', 'reasoningTokens', 'audioOutputTokens'] as const),
  ...(['imageOutputTokens'] as const),
];

function usageOf(row: SqlRow): Usage {
  const names = PARTS.map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  return Object.fromEntries(
    PARTS.map((part, index) => [part, Number(row[names[index] ?? ''])]),
  ) as unknown as Usage;
}

function same(one: Usage, other: Usage): boolean {
  return PARTS.every((part) => one[part] === other[part]);
}

/** What is wrong with a row, by what its vendors know. */
function differenceOf(known: Known, row: SqlRow, isHedged: boolean): string | null {
  const { asked, open } = known;
  const booked = usageOf(row);
  const outcome = String(row['outcome']);
  if (outcome === 'expired') return differenceOfExpired(known, row, booked);
  if (row['attempts'] !== asked.length) {
    return `${row['attempts']} attempts, vendors saw ${asked.length}`;
  }
  const last = asked.at(-1);
  if (outcome === 'refused') {
    if (row['cost_nano_usd'] !== 0 || !same(booked, NO_USAGE)) return 'something is owed';
    // Nobody was waiting for the answer to a copy.
    if (row['key'] === 'shadow') return null;
    const isOwed =
      last !== undefined && (last.deltas > 0 || last.isComplete) && last.status === 200;
    if (last?.streamed === true && last.deltas > 0) return `${last.deltas} deltas are not booked`;
    return isOwed && row['code'] === 'caller_gone' ? 'a caller who left owes nothing' : null;
  }
  if (last === undefined || open === null) return 'no vendor was asked';
  if (!isHedged) return differenceOfAnswer(last, open, row, booked);
  // Of two that ran beside each other one is booked, and the row says whose answer it was.
  const differences = asked.map((one) => differenceOfAnswer(one, open, row, booked));
  return differences.includes(null) ? null : differences.join('; ');
}

function differenceOfAnswer(
  sent: VendorRequest,
  open: OpenRow,
  row: SqlRow,
  booked: Usage,
): string | null {
  const { price, backend } = sent.target;
  const outcome = String(row['outcome']);
  if (row['backend'] !== backend) return `booked on ${row['backend']}, made by ${backend}`;
  if (outcome === 'served' && !sent.isComplete) return `served, and ${backend} has not ended`;
  const cost = naiveCost(booked, price, Number(row['gpu_us']));
  if (row['cost_nano_usd'] !== cost) return `costs ${row['cost_nano_usd']}, should ${cost}`;
  const expected = expectedOf(outcome, sent, open.inputTokensEstimate);
  if (expected === null) return differenceOfLie(sent, row, booked, open.inputTokensEstimate);
  if (row['estimated'] !== (expected.isEstimated ? 1 : 0)) {
    return `estimated is ${row['estimated']} (${row['usage_source']}, ${sent.reporting})`;
  }
  if (same(booked, expected.usage)) return null;
  // Whoever left between the last frame and its delivery owes what that frame says.
  const isWhole = sent.streamed && sent.isComplete && sent.reporting === 'final';
  if (outcome === 'cut_by_caller' && isWhole && same(booked, sent.usage)) return null;
  return `booked ${JSON.stringify(booked)}, made ${JSON.stringify(expected.usage)} (${sent.reporting})`;
}

interface Expected {
  readonly usage: Usage;
  readonly isEstimated: boolean;
}

/** What an honest vendor's request is booked with; null for one that lies. */
function expectedOf(outcome: string, last: VendorRequest, estimate: number): Expected | null {
  const { reporting, usage, streamed, deltas, characters } = last;
  const isTrue =
    reporting === 'final' || reporting === 'running' || saysNothingWrong(last) ? usage : null;
  const counted = {
    ...NO_USAGE,
    inputTokens: estimate,
    outputTokens: Math.max(streamed ? deltas : 0, Math.ceil(characters / 4)),
  };
  if (outcome === 'served') {
    if (reporting === 'none') return { usage: counted, isEstimated: true };
    if (reporting === 'zero') return { usage: NO_USAGE, isEstimated: false };
    return isTrue === null ? null : { usage: isTrue, isEstimated: false };
  }
  if (reporting !== 'final' && reporting !== 'running' && reporting !== 'none') return null;
  // Cut while a whole answer was read: nothing is known but the question.
  if (!streamed) return { usage: { ...NO_USAGE, inputTokens: estimate }, isEstimated: true };
  const { told } = last;
  if (told === null) return { usage: counted, isEstimated: true };
  const outputTokens = Math.max(told.outputTokens, counted.outputTokens);
  return { usage: { ...told, outputTokens }, isEstimated: true };
}

/** A lie that this protocol has no words for. */
function saysNothingWrong({ reporting, endpoint }: VendorRequest): boolean {
  return reporting === 'wrong_total' && endpoint === 'messages';
}

/** Of a vendor that lies only this can be said: it is flagged, and there is an end to it. */
function differenceOfLie(
  { reporting, choices, streamed }: VendorRequest,
  row: SqlRow,
  booked: Usage,
  estimate: number,
): string | null {
  if (row['estimated'] !== 1) return `${reporting} is not flagged (streamed ${streamed})`;
  const inputMost = Math.max(CONTEXT_TOKENS * 2, estimate * 8);
  const outputMost = CONTEXT_TOKENS * 2 * choices;
  if (booked.inputTokens > inputMost) return `${booked.inputTokens} tokens of input are believed`;
  if (booked.outputTokens > outputMost) return `${booked.outputTokens} tokens of output`;
  const { cachedInputTokens: cached, cacheWriteTokens: written, audioInputTokens: heard } = booked;
  if (cached + written + heard > booked.inputTokens) return 'parts overlap';
  return null;
}

/** Killed: the last note of its usage that was durable is owed, or else its input. */
function differenceOfExpired({ open, note }: Known, row: SqlRow, booked: Usage): string | null {
  if (open === null) return 'it was never open';
  if (row['estimated'] !== 1) return 'it is not flagged';
  const cost = naiveCost(booked, open.price, 0);
  if (row['cost_nano_usd'] !== cost) return `costs ${row['cost_nano_usd']}, should ${cost}`;
  const owed = note ?? { ...NO_USAGE, inputTokens: open.inputTokensEstimate };
  if (same(owed, booked)) return null;
  return `booked ${JSON.stringify(booked)}, known was ${JSON.stringify(owed)}`;
}

/** As many come in at once as the rules say: every slot was given back. */
function checkSlots({ gate, scene }: Plant): string[] {
  const problems: string[] = [];
  const ceiling = scene.limits[0]?.concurrent ?? Number.POSITIVE_INFINITY;
  for (const { key } of scene.keys) {
    const most = Math.min(ceiling, key.limits.concurrency ?? Number.POSITIVE_INFINITY);
    if (!Number.isFinite(most)) continue;
    const admitted: { cancel(): void }[] = [];
    try {
      const subject = { key, model: 'small', endpoint: 'chat' } as const;
      for (let slot = 0; slot < most; slot += 1) admitted.push(gate.limiter.admit(subject, 0));
    } catch {
      problems.push(`${key.name} has ${admitted.length} of ${most} slots`);
    }
    for (const admission of admitted) admission.cancel();
  }
  return problems;
}

/** Rows, counters, sums and chains say the same. */
async function checkBooks(plant: Plant): Promise<void> {
  const { problems } = await plant.store.books.check();
  if (problems.length > 0) plant.fail(`ledger check: ${problems.join('; ')}`);
  const { corrected } = await plant.store.books.rebuild();
  if (corrected !== 0) plant.fail(`ledger rebuild corrected ${corrected} sums`);
  checkCounters(plant);
  checkSums(plant);
  const broken = brokenLinks(plant.database);
  if (broken.length > 0) plant.fail(`the chain is broken at ${broken.join(', ')}`);
  const { ok, faults } = await verifyInline(plant.database.name);
  if (!ok) plant.fail(`audit verify: ${JSON.stringify(faults)}`);
}

const SCOPE_COLUMNS = { tenant: 'tenant', team: 'team', user: 'user', key: 'key', model: 'model' };

function checkCounters(plant: Plant): void {
  const expected = new Map<string, string>();
  const add = (name: string, row: SqlRow | undefined) => {
    expected.set(name, `${row?.['usd'] ?? 0} ${row?.['tokens'] ?? 0}`);
  };
  const sums = 'sum(cost_nano_usd) AS usd, sum(input_tokens + output_tokens) AS tokens';
  add('all/', plant.query(`SELECT ${sums} FROM request_log`)[0]);
  for (const [scope, column] of Object.entries(SCOPE_COLUMNS)) {
    const rows = plant.query(
      `SELECT ${column} AS subject, ${sums} FROM request_log
       WHERE ${column} IS NOT NULL AND ${column} <> '' GROUP BY 1`,
    );
    for (const row of rows) add(`${scope}/${row['subject']}`, row);
  }
  const unseen = new Set(expected.keys());
  for (const { per, subject, costNanoUsd, tokens } of plant.budgets.spentInTotal()) {
    const name = `${per}/${subject}`;
    unseen.delete(name);
    const should = expected.get(name) ?? '0 0';
    const is = `${costNanoUsd} ${tokens}`;
    if (is !== should) plant.fail(`the counter of ${name} is ${is}, its rows make ${should}`);
  }
  for (const name of unseen) {
    if (expected.get(name) !== '0 0') plant.fail(`${name} has rows and no counter`);
  }
}

function checkSums(plant: Plant): void {
  const [rows] = plant.query(
    `SELECT count(*) AS n, coalesce(sum(cost_nano_usd), 0) AS usd, coalesce(sum(input_tokens), 0)
       AS input, coalesce(sum(output_tokens), 0) AS output, coalesce(sum(gpu_us), 0) AS gpu
     FROM requests`,
  );
  const grains = plant.query(
    `SELECT grain, sum(requests) AS n, sum(cost_nano_usd) AS usd, sum(input_tokens) AS input,
       sum(output_tokens) AS output, sum(gpu_us) AS gpu FROM usage_sums GROUP BY grain`,
  );
  for (const { grain, ...sums } of grains) {
    const [is, should] = [JSON.stringify(sums), JSON.stringify(rows)];
    if (is !== should) plant.fail(`sums of grain ${grain} are ${is}, rows make ${should}`);
  }
  if (Number(rows?.['n']) > 0 && grains.length !== 3) plant.fail(`${grains.length} grains`);
}
