import { expect, test } from 'vitest';
import { nanoUsd, toUsdString } from '../../src/core/money.ts';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import { runLoad, type WholeAnswer } from '../support/crash-load.ts';
import { LlmgateProcess } from '../support/llmgate-process.ts';
import { type Served, ServeLab } from '../support/serve-lab.ts';
import type { LoggedRequest } from '../support/start-gateway.ts';

// `kill -9` at any moment loses nothing: what a backend has seen is in the books, once, and what a
// caller got whole was booked before.

const ROUNDS = Number(process.env['LLMGATE_CRASH_ROUNDS'] ?? 8);
const CALLERS = 16;
/** From the first request to the kill. */
const LIFE_MS = { min: 30, max: 1_200 };
/** A start takes about this; every third one is killed within it. */
const START_MS = 250;

const configOf = (mock: Mock, maxOutputTokens = 100) => `backends:
  mock: { type: vllm, url: "${mock.url}" }
models:
  small: { targets: [mock], price: { input: 1, output: 2 }, max_output_tokens: ${maxOutputTokens} }
limits:
  - { per: key, requests: 100000/s }
  - { per: key, concurrent: 1000 }
budgets:
  - { per: all, tokens: 900000000, window: total }
  - { per: team, usd: 1000, window: month }
  - { per: model, usd: 1000, window: total }
  - { per: key, usd: 1000, window: total }
log: { level: warn }`;

/** Not a wait for anything: when to die is the experiment. */
function killAfter(process: LlmgateProcess, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      process.signal('SIGKILL');
      resolve();
    }, delayMs);
  });
}

const between = (min: number, max: number) => min + Math.random() * (max - min);

/** Every request that a backend saw has one row, and every answer that was whole is `served`. */
async function expectBooksHold(lab: ServeLab, mock: Mock, whole: WholeAnswer[]): Promise<void> {
  await mock.untilIdle();
  const rows = lab.rows();
  const byId = new Map(rows.map((row) => [String(row['id']), row]));
  expect(byId.size, 'no id twice').toBe(rows.length);
  const seen = mock.requests().map(({ x_request_id: id }) => (id ?? '').replaceAll('-', ''));
  expect(mock.requests().length, 'the mock remembers all').toBe(mock.stats().requests);
  expect(seen.filter((id) => !byId.has(id))).toEqual([]);
  const unbooked = whole.filter(({ id, outputTokens }) => {
    const row = byId.get(id);
    return row?.['outcome'] !== 'served' || row['output_tokens'] !== outputTokens;
  });
  expect(unbooked).toEqual([]);
  expect(lab.query('SELECT 1 FROM open_requests')).toEqual([]);
  const expired = rows.filter(({ outcome }) => outcome === 'expired');
  for (const row of expired) expect(row).toMatchObject({ estimated: 1 });
  expect(expired.every(({ cost_nano_usd: cost }) => Number(cost) > 0)).toBe(true);
  expect(await lab.run('ledger', 'check')).toMatchObject({ code: 0, stderr: '' });
  expect(await lab.run('audit', 'verify')).toMatchObject({ code: 0, stderr: '' });
  await expectBudgetsAreRows(lab, rows);
}

interface BudgetDocument {
  readonly budgets: readonly Readonly<Record<string, string | number | null>>[];
}

/** Budgets come back from the rows alone, and nothing is held for requests that died. */
async function expectBudgetsAreRows(lab: ServeLab, rows: readonly LoggedRequest[]): Promise<void> {
  const sum = (column: string) => rows.reduce((all, row) => all + Number(row[column] ?? 0), 0);
  const usd = toUsdString(nanoUsd(sum('cost_nano_usd')));
  const { budgets } = await lab.runJson<BudgetDocument>('budgets', 'list');
  const isPurse = ({ spent_usd: usd, spent_tokens: tokens }: (typeof budgets)[number]) =>
    usd !== null || tokens !== null;
  const standing = budgets.filter(isPurse);
  if (rows.length > 0)
    expect(standing.map(({ per }) => per)).toEqual(['all', 'team', 'key', 'model']);
  const tokens = sum('input_tokens') + sum('output_tokens');
  for (const budget of standing) {
    const isUsd = budget['measure'] === 'usd';
    expect(budget).toMatchObject(
      isUsd ? { spent_usd: usd, held_usd: '0' } : { spent_tokens: tokens, held_tokens: 0 },
    );
  }
}

test(`killed ${ROUNDS} times under load: every request that the backend saw has exactly one row`, {
  timeout: 30_000 + ROUNDS * 10_000,
}, async () => {
  await using mock = await startMock({
    models: ['small'],
    logRequests: 1_000_000,
    behaviour: { ttft_ms: 5, tokens: [3, 40], tps: 300, jitter: 0.5 },
  });
  using lab = new ServeLab(configOf(mock));
  const { key } = await lab.createKey('k', '--team', 'red');
  const whole: WholeAnswer[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round % 3 === 2) await killDuringStart(lab);
    await using served = await lab.serve();
    await expectBooksHold(lab, mock, whole);
    whole.push(...(await killUnderLoad(served, key)));
  }
  await using served = await lab.serve();
  await expectBooksHold(lab, mock, whole);
  expect(await served.process.stop()).toBe(0);
  expect((await lab.run('ledger', 'check')).code).toBe(0);
  report(lab, mock, whole);
});

async function killUnderLoad(served: Served, key: string): Promise<readonly WholeAnswer[]> {
  let isKilled = false;
  const killed = killAfter(served.process, between(LIFE_MS.min, LIFE_MS.max)).then(() => {
    isKilled = true;
  });
  const load = await runLoad(served, key, { callers: CALLERS, isKilled: () => isKilled });
  await killed;
  expect(await served.process.exited).toBe(137);
  expect(load.failures).toEqual([]);
  return load.whole;
}

/** Somewhere between the lock, the settling of what was left open, and the first request. */
async function killDuringStart(lab: ServeLab): Promise<void> {
  await using process = new LlmgateProcess(['serve'], { cwd: lab.folder });
  await killAfter(process, between(0, START_MS));
  expect(await process.exited).toBe(137);
}

/** The figures, for whoever asked for more rounds. */
function report(lab: ServeLab, mock: Mock, whole: WholeAnswer[]): void {
  if (process.env['LLMGATE_CRASH_ROUNDS'] === undefined) return;
  const outcomes = lab.query(
    'SELECT outcome, count(*) AS requests FROM request_log GROUP BY outcome ORDER BY outcome',
  );
  const rows = outcomes.map(({ outcome, requests }) => `${requests} ${outcome}`).join(', ');
  process.stdout.write(
    `${ROUNDS} kills; the backend saw ${mock.stats().requests} requests; ` +
      `callers got ${whole.length} whole answers; rows: ${rows}\n`,
  );
}

test('a stream that is killed after its usage was noted is settled with that', async () => {
  await using mock = await startMock({ models: ['small'], behaviour: { tokens: 5_000, tps: 50 } });
  using lab = new ServeLab(configOf(mock, 10_000));
  const { key } = await lab.createKey('k');
  await using served = await lab.serve();
  const response = await fetch(`${served.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'small',
      stream: true,
      messages: [{ role: 'user', content: 'Go on.' }],
    }),
  });
  let noted = 0;
  expect(response.status).toBe(200);
  const reader = response.body?.getReader();
  const deadlineMs = performance.now() + 20_000;
  while (noted === 0 && (await reader?.read())?.done === false) {
    expect(performance.now()).toBeLessThan(deadlineMs);
    const [open] = lab.query('SELECT usage ->> 5 AS output_tokens FROM open_requests');
    noted = Number(open?.['output_tokens'] ?? 0);
  }
  expect(noted).toBeGreaterThan(50);
  served.process.signal('SIGKILL');
  await served.process.exited;
  await reader?.cancel().catch(() => {});
  await using again = await lab.serve();
  expect(again.process.lines[1]).toMatch(/^1 request was left open by a crash/);
  expect(lab.rows()).toMatchObject([
    { outcome: 'expired', output_tokens: noted, estimated: 1, status: expect.any(Number) },
  ]);
  expect((await lab.run('ledger', 'check')).code).toBe(0);
});
