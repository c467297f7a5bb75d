import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, FaultLab } from '../support/fault-lab.ts';
import { MockProcess } from '../support/fault-mock-process.ts';
import { freePort } from '../support/fault-ports.ts';
import { note, PROOF_SCALE } from '../support/fault-report.ts';

// Every backend of a model is killed and started again, one after the other, while requests come:
// no request fails that could have been served. What a caller has seen the beginning of cannot be.

const IDS = ['one', 'two', 'three'] as const;
const ROUNDS = Math.max(1, Math.round(PROOF_SCALE));
/** Requests under way at a time; each takes some 100 ms. */
const CALLERS = 12;

let mocks: MockProcess[];
let lab: FaultLab;

beforeAll(async () => {
  mocks = await Promise.all(
    IDS.map(async () =>
      MockProcess.start(await freePort(), '--ttft', '30ms', '--tps', '200', '--tokens', '10-20'),
    ),
  );
  lab = await FaultLab.open(`backends:
${IDS.map((id, at) => `  ${id}: { type: vllm, url: "${mocks[at]?.url}" }`).join('\n')}
models:
  m: { targets: [${IDS.join(', ')}], price: { input: 1, output: 2 } }
budgets: [{ per: key, usd: 50, window: total }]
${PROOF_SCALE > 1 ? '' : 'health: { interval: 300ms, up_after: 1, breaker: { open: 500ms } }'}`);
  await Promise.all(IDS.map(untilUp));
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await Promise.all(mocks.map((mock) => mock[Symbol.asyncDispose]()));
});

function untilUp(id: string): Promise<unknown> {
  return lab.until(
    () => lab.backend(id),
    ({ state, breaker }) => state === 'up' && breaker === 'closed',
  );
}

/** Callers who ask one request after the other, half of them for streams, until they are told to stop. */
function load() {
  const answers: Answer[] = [];
  let isOver = false;
  const call = async (stream: boolean) => {
    while (!isOver) answers.push(await lab.ask('m', { stream }));
  };
  const callers = Array.from({ length: CALLERS }, (_, at) => call(at % 2 === 0));
  return {
    answers,
    async stop(): Promise<void> {
      isOver = true;
      await Promise.all(callers);
    },
  };
}

/** Resolves when so many more have been answered. */
async function served(answers: readonly Answer[], more: number): Promise<void> {
  const wanted = answers.length + more;
  while (answers.length < wanted) await new Promise((resolve) => setImmediate(resolve));
}

interface Tally {
  readonly requests: number;
  /** A stream that had begun, and ended with an error frame. */
  readonly cutMidway: number;
  readonly failed: readonly Answer[];
}

function count(answers: readonly Answer[]): Tally {
  const bad = answers.filter(({ status, failure }) => status !== 200 || failure !== undefined);
  const isMidway = ({ status, failure, text }: Answer) =>
    status === 200 && failure === 'backend_stream_broken' && text.includes('"content":');
  return {
    requests: answers.length,
    cutMidway: bad.filter(isMidway).length,
    failed: bad.filter((answer) => !isMidway(answer)),
  };
}

function report(how: string, tally: Tally, startedMs: number): void {
  const seconds = (performance.now() - startedMs) / 1_000;
  note('rolling', {
    how,
    restarts: ROUNDS * IDS.length,
    requests: tally.requests,
    per_second: Math.round(tally.requests / seconds),
    failed: tally.failed.length,
    cut_midway: tally.cutMidway,
  });
}

test.each([
  { signal: 'SIGKILL', next: 'once the one before is trusted again' },
  { signal: 'SIGTERM', next: 'once the one before is trusted again' },
  { signal: 'SIGKILL', next: 'as soon as the one before listens again' },
] as const)('backends end with $signal, the next one $next', async ({ signal, next }) => {
  const startedMs = performance.now();
  const { answers, stop } = load();
  await served(answers, 30);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, mock] of mocks.entries()) {
      await mock.end(signal);
      await served(answers, 40);
      await mock.start();
      if (next.startsWith('once')) await untilUp(IDS[at] ?? '');
      await served(answers, 20);
    }
  }
  // Requests close the last breaker.
  await Promise.all(IDS.map(untilUp));
  await stop();
  const tally = count(answers);
  report(`${signal}, the next ${next}`, tally, startedMs);
  expect(tally.failed).toEqual([]);
  // Of those under way only a few had begun, and only at the one that was ended.
  expect(tally.cutMidway).toBeLessThanOrEqual(ROUNDS * IDS.length * CALLERS);
  await lab.untilNothingIsHeld();
});

test('backends that are drained first: no request fails, and no stream is cut', async () => {
  const startedMs = performance.now();
  const { answers, stop } = load();
  await served(answers, 30);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, mock] of mocks.entries()) {
      const id = IDS[at] ?? '';
      expect(await lab.lab.run('backends', 'drain', id, '--yes')).toMatchObject({ code: 0 });
      await lab.until(
        () => lab.backend(id),
        ({ drained, in_flight }) => drained && in_flight === 0,
      );
      await mock.end('SIGTERM');
      await served(answers, 40);
      await mock.start();
      expect(await lab.lab.run('backends', 'resume', id)).toMatchObject({ code: 0 });
      await untilUp(id);
      await served(answers, 20);
    }
  }
  await stop();
  const tally = count(answers);
  report('drained, then SIGTERM', tally, startedMs);
  expect(tally.failed).toEqual([]);
  expect(tally.cutMidway).toBe(0);
  await lab.untilNothingIsHeld();
  expect(await lab.lab.run('ledger', 'check')).toMatchObject({ code: 0 });
});
