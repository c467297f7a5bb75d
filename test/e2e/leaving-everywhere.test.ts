import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import { bareBackend, FaultLab } from '../support/fault-lab.ts';
import { freePort } from '../support/fault-ports.ts';
import { note, PROOF_SCALE } from '../support/fault-report.ts';
import { AUTHORITY_FILE, startTlsFront, type TlsFront } from '../support/fault-tls-front.ts';
import { type FullListener, startFullListener } from '../support/full-listener.ts';
import { callMock, type MockCaller } from '../support/mock-caller.ts';

// Callers who leave at every moment of a request: the backend stops working for them at once, and
// nothing that was taken for them is left anywhere.

/** Beyond it a GPU works for nobody; measured is a few milliseconds. */
const CLOSED_WITHIN_MS = 1_000;
const ROUNDS = Math.max(1, Math.round(PROOF_SCALE));
const TRANSPORTS = ['http', 'https'] as const;

let mock: Mock;
let front: TlsFront;
let full: FullListener;
let lab: FaultLab;

beforeAll(async () => {
  mock = await startMock({ behaviour: { tokens: 7 } });
  [front, full] = await Promise.all([startTlsFront(mock.port), startFullListener()]);
  // It never listens, so whoever asks for it waits.
  const engine = 'command: [sleep, "600"]';
  lab = await FaultLab.open(
    `backends:
  http: ${bareBackend(mock.url)}
  https: ${bareBackend(front.url)}
  narrow-http: ${bareBackend(mock.url, ', max_concurrency: 1')}
  narrow-https: ${bareBackend(front.url, ', max_concurrency: 1')}
  limited-true: ${bareBackend(mock.url)}
  limited-false: ${bareBackend(mock.url)}
  full: ${bareBackend(full.url)}
  engine: { type: vllm, url: "http://127.0.0.1:${await freePort()}", discover: false, metrics: off, process: { ${engine} } }
models:
${[
  'http',
  'https',
  'narrow-http',
  'narrow-https',
  'limited-true',
  'limited-false',
  'full',
  'engine',
]
  .map((id) => `  ${id}: { targets: [${id}], price: { input: 1, output: 2 } }`)
  .join('\n')}
limits: [{ per: key, concurrent: 50 }]
budgets: [{ per: key, usd: 50, window: total }]
queue: { keep_alive: 100ms }`,
    { env: { NODE_EXTRA_CA_CERTS: AUTHORITY_FILE } },
  );
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await front[Symbol.asyncDispose]();
  await full[Symbol.asyncDispose]();
  await mock.stop();
});

interface Asking {
  readonly stream: boolean;
  readonly model: string;
}

interface Moment {
  readonly name: string;
  /** Resolves at the moment. `true`: a backend works on the request. */
  arrive(asking: Asking): Promise<Arrived>;
  readonly transports?: readonly (typeof TRANSPORTS)[number][];
  readonly streams?: readonly boolean[];
}

interface Arrived {
  readonly caller: MockCaller;
  /** A backend works on it, and must be told. */
  readonly isAtWork: boolean;
  /** What else goes on and has to end. */
  readonly others?: readonly MockCaller[];
}

function requestOf({ model, stream }: Asking, behaviour: object): string {
  const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hi' }] });
  return (
    `POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer ${lab.key.key}\r\n` +
    `x-mock: ${JSON.stringify(behaviour)}\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`
  );
}

function ask(asking: Asking, behaviour: object): MockCaller {
  return callMock(lab.port, requestOf(asking, behaviour));
}

/** Asks, and resolves once the backend has the request. */
async function askAndReach(asking: Asking, behaviour: object): Promise<MockCaller> {
  const { requests } = mock.stats();
  const caller = ask(asking, behaviour);
  await mock.untilRequests(requests + 1);
  return caller;
}

const untilInFlight = (count: number) =>
  lab.until(
    () => lab.held(),
    ({ inFlight }) => inFlight === count,
  );

const MOMENTS: readonly Moment[] = [
  {
    name: 'while it sends its body',
    transports: ['http'],
    async arrive(asking) {
      const caller = callMock(lab.port, requestOf(asking, {}).slice(0, -20));
      await untilInFlight(1);
      return { caller, isAtWork: false };
    },
  },
  {
    name: 'in line',
    async arrive({ model, stream }) {
      const asking = { model: `narrow-${model}`, stream };
      const other = await askAndReach(asking, { ttft_ms: 60_000 });
      const caller = ask(asking, {});
      await lab.until(
        () => lab.held(),
        ({ inLine }) => inLine === 1,
      );
      return { caller, isAtWork: false, others: [other] };
    },
  },
  {
    name: 'while a connection is made',
    transports: ['http'],
    async arrive({ stream }) {
      const caller = ask({ model: 'full', stream }, {});
      await lab.until(
        () => lab.held(),
        ({ places }) => places === 1,
      );
      return { caller, isAtWork: false };
    },
  },
  {
    name: 'while a model server starts',
    transports: ['http'],
    async arrive({ stream }) {
      const caller = ask({ model: 'engine', stream }, {});
      if (stream) await caller.until(/\n: /);
      else {
        await lab.until(
          () => lab.backend('engine'),
          ({ process }) => process?.waiting === 1,
        );
      }
      return { caller, isAtWork: false };
    },
  },
  {
    name: 'while the prompt is read',
    async arrive(asking) {
      return { caller: await askAndReach(asking, { ttft_ms: 60_000 }), isAtWork: true };
    },
  },
  {
    name: 'while the head has come and no content',
    async arrive(asking) {
      const behaviour = { ttft_ms: 60_000, early_head: true };
      return { caller: await askAndReach(asking, behaviour), isAtWork: true };
    },
  },
  {
    name: 'midway',
    async arrive(asking) {
      if (!asking.stream) {
        const behaviour = { fault: { kind: 'drip', every_ms: 50 } };
        return { caller: await askAndReach(asking, behaviour), isAtWork: true };
      }
      const text = `one two three ${'more '.repeat(1_000)}`;
      const caller = ask(asking, { text, tps: 100 });
      await caller.until('three');
      return { caller, isAtWork: true };
    },
  },
  {
    name: 'while it waits to be tried again',
    transports: ['http'],
    async arrive({ stream }) {
      const fault = { kind: 'rate_limit', retry_after: 4 };
      // It is left alone for a while afterwards, so each has its own.
      const caller = await askAndReach({ model: `limited-${stream}`, stream }, { fault });
      await mock.until((stats) => stats.in_flight === 0);
      return { caller, isAtWork: false };
    },
  },
  {
    name: 'at the end',
    async arrive(asking) {
      const caller = ask(asking, {});
      await caller.until(asking.stream ? '"finish_reason":"stop"' : 'HTTP/1.1 200');
      return { caller, isAtWork: false };
    },
  },
];

const cases = MOMENTS.flatMap(({ transports = TRANSPORTS, ...moment }) =>
  transports.flatMap((transport) =>
    [true, false].map((stream) => ({ moment, transport, stream, name: moment.name })),
  ),
);

test.each(cases)('a caller leaves $name ($transport, stream: $stream)', async (one) => {
  const { moment, transport, stream } = one;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = lab.lab.rows().length;
    const left = mock.stats().left_by_caller;
    const { caller, isAtWork, others = [] } = await moment.arrive({ model: transport, stream });
    const leftAtMs = performance.now();
    caller.leave();
    if (isAtWork) await mock.untilCallerLeft(left + 1);
    const closedMs = performance.now() - leftAtMs;
    if (isAtWork) expect(closedMs).toBeLessThan(CLOSED_WITHIN_MS);
    if (others.length > 0) {
      await lab.until(
        () => lab.held(),
        ({ inLine, places }) => inLine === 0 && places === 1,
      );
      for (const other of others) other.leave();
    }
    await lab.untilNothingIsHeld();
    const freeMs = performance.now() - leftAtMs;
    await mock.until((stats) => stats.in_flight === 0);
    expect(lab.lab.rows().length).toBe(before + 1 + others.length);
    const [row] = lab.lab.rows().slice(-1);
    note('leaving', {
      ...{ moment: moment.name, transport, stream },
      closed_ms: isAtWork ? Math.round(closedMs * 10) / 10 : null,
      free_ms: Math.round(freeMs),
      outcome: row?.['outcome'],
    });
    if (moment.name !== 'at the end') expect(row).toMatchObject({ code: 'caller_gone' });
  }
});

test('after all of it there is room for everybody, and the books agree', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, at) => lab.ask(at % 2 === 0 ? 'http' : 'https')),
  );
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(await lab.lab.run('ledger', 'check')).toMatchObject({ code: 0 });
  expect(lab.process.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
