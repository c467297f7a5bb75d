import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import { type Ending, FAULTS, type FaultCase } from '../support/fault-cases.ts';
import { type Answer, answering, bareBackend, FaultLab } from '../support/fault-lab.ts';
import { note } from '../support/fault-report.ts';
import { type FullListener, startFullListener } from '../support/full-listener.ts';
import { LlmgateProcess } from '../support/llmgate-process.ts';

// Everything that a backend can do wrong, before the compiled gateway, over real sockets: with a
// well backend beside it a caller sees nothing of it as long as nothing of the answer was sent;
// alone it is told honestly. Afterwards nothing is open anywhere.

const SITUATIONS = ['paired', 'alone'] as const;
const KINDS = ['whole', 'streamed'] as const;

let bad: Mock;
let well: Mock;
let full: FullListener;
let frozen: LlmgateProcess;
let lab: FaultLab;
/** All are asked at once: most of them wait for a deadline. */
const answers = new Map<string, Promise<Answer>>();

beforeAll(async () => {
  [bad, well, full] = await Promise.all([
    // Slow enough for its tokens not to come in one read.
    startMock({ behaviour: { tokens: 7, tps: 300 } }),
    startMock({ behaviour: { tokens: 7 } }),
    startFullListener(),
  ]);
  frozen = new LlmgateProcess(['mock', '--listen', '127.0.0.1:0'], { cwd: '/' });
  const [, frozenUrl = ''] = await frozen.untilLine(/(http:\/\/127\.0\.0\.1:\d+)/);
  const gone = await startMock();
  await gone.stop();
  const urls = {
    closed: gone.url,
    full: full.url,
    stopped: frozenUrl,
    nowhere: 'http://no-such-host.invalid:8000',
  };
  lab = await FaultLab.open(toYaml(urls));
  frozen.signal('SIGSTOP');
  for (const { name, kind } of asked) {
    answers.set(name, lab.ask(name, { stream: kind === 'streamed' }));
  }
});

afterAll(async () => {
  frozen.signal('SIGCONT');
  await frozen.stop();
  await lab[Symbol.asyncDispose]();
  await full[Symbol.asyncDispose]();
  await Promise.all([bad.stop(), well.stop()]);
});

/** Every request has a backend of its own, so that none suffers from what another has learned. */
function toYaml(urls: Readonly<Record<NonNullable<FaultCase['at']>, string>>): string {
  const backends = [`  well: ${bareBackend(well.url)}`];
  const models: string[] = [];
  for (const [index, { at, fault }] of FAULTS.entries()) {
    for (const situation of SITUATIONS) {
      for (const kind of KINDS) {
        const name = nameOf(index, situation, kind);
        const url = at === undefined ? bad.url : urls[at];
        backends.push(`  ${name}: ${bareBackend(url, fault ? answering({ fault }) : '')}`);
        const targets = situation === 'paired' ? `${name}, well` : name;
        models.push(`  ${name}: { targets: [${targets}], price: { input: 1, output: 2 } }`);
      }
    }
  }
  return `timeouts: { connect: 400ms, first_byte: 800ms, idle: 800ms, total: 3s }
retries: { hold: 1500ms }
budgets: [{ per: key, usd: 50, window: total }]
backends:
${backends.join('\n')}
models:
${models.join('\n')}`;
}

function nameOf(index: number, situation: string, kind: string): string {
  return `f${index}-${situation}-${kind}`;
}

interface Asked {
  readonly name: string;
  readonly fault: FaultCase;
  readonly situation: (typeof SITUATIONS)[number];
  readonly kind: (typeof KINDS)[number];
  readonly expected: Ending;
}

const asked = FAULTS.flatMap((fault, index) =>
  SITUATIONS.flatMap((situation) =>
    KINDS.flatMap((kind, at): Asked[] => {
      const expected = fault[situation][at] ?? null;
      if (expected === null) return [];
      return [{ name: nameOf(index, situation, kind), fault, situation, kind, expected }];
    }),
  ),
);

test.each(asked)('$fault.name, $situation, $kind', async ({ name, fault, expected, ...how }) => {
  const answer = await answers.get(name);
  if (answer === undefined) throw new Error('not asked');
  note('table', { fault: fault.name, ...how, ...seen(answer) });
  check(answer, name, fault, expected);
  if (expected.status === 200 || fault.retryAfter === undefined) return;
  expect(answer.headers.get('retry-after')).toMatch(fault.retryAfter);
});

function seen({ status, failure = '', backend, attempts, tookMs, headers }: Answer) {
  const retryAfter = headers.get('retry-after') ?? '';
  return { status, failure, backend: backend ?? '', attempts, ms: Math.round(tookMs), retryAfter };
}

function check(answer: Answer, name: string, { attempt }: FaultCase, expected: Ending): void {
  const { status, code, attempts, outcome } = expected;
  expect(answer).toMatchObject({ status, attempts });
  expect(answer.failure).toBe(code);
  expect(lab.rowsOf(answer)).toMatchObject([
    {
      outcome,
      code: code ?? null,
      status,
      attempts,
      ...(outcome === 'refused' ? OWES_NOTHING : {}),
    },
  ]);
  const first = { backend: name, ...attempt };
  if (outcome === 'served' && attempts === 1) expect(lab.attemptsOf(answer)).toEqual([]);
  else if (outcome === 'served') {
    expect(lab.attemptsOf(answer)).toEqual([first, { backend: 'well', code: null, status: 200 }]);
    expect(answer.backend).toBe('well');
  } else expect(lab.attemptsOf(answer)).toEqual(Array(attempts).fill(first));
}

const OWES_NOTHING = { cost_nano_usd: 0, output_tokens: 0 };

test('after all of it nothing is held, nothing is open, and the books agree', async () => {
  await lab.untilNothingIsHeld();
  expect(bad.stats().in_flight).toBe(0);
  expect(well.stats().in_flight).toBe(0);
  const { code, stdout } = await lab.lab.run('ledger', 'check');
  expect({ code, stdout }).toMatchObject({ code: 0 });
  expect(lab.process.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  // What is idle is closed before the backends would do it.
  await Promise.all(
    [bad, well].map((mock) => mock.until((stats) => stats.open_connections === 0, 8_000)),
  );
});
