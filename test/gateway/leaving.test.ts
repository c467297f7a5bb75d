import { expect, test } from 'vitest';
import { startFullListener } from '../support/full-listener.ts';
import { type RawConnection, startRawBackend } from '../support/raw-backend.ts';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { startTestMock } from '../support/start-mock.ts';

const PRICED = 'models:\n  small: { targets: [mock], price: { input: 1, output: 2 } }';

/** Sends a chat request by hand and closes the socket when `leaveOn` resolves, given what came. */
async function askAndLeave(
  gate: TestGateway,
  stream: boolean,
  leaveOn: (frames: (count: number) => Promise<void>) => Promise<unknown>,
) {
  const body = JSON.stringify({
    model: 'small',
    stream,
    messages: [{ role: 'user', content: 'hi' }],
  });
  const { port } = new URL(gate.url);
  let received = '';
  let wanted = Number.POSITIVE_INFINITY;
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: Number(port),
    socket: {
      data(_, bytes) {
        received += bytes.toString();
        if (received.split('data: ').length > wanted) resolve();
      },
    },
  });
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gate.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await leaveOn((count) => {
    wanted = count;
    return promise;
  });
  socket.terminate();
}

test.each([
  { stream: true, when: 'before the first token' },
  { stream: false, when: 'while the answer is made' },
])(
  'a caller who leaves $when (stream: $stream) ends the backend within 100 ms',
  async ({ stream }) => {
    await using gate = await startGateway({
      config: PRICED,
      mock: { models: ['small'], behaviour: { ttft_ms: 10_000 } },
    });
    let leftAtMs = 0;
    await askAndLeave(gate, stream, async () => {
      await gate.mock.untilRequests(1);
      leftAtMs = performance.now();
    });
    await gate.mock.untilCallerLeft(1);
    expect(performance.now() - leftAtMs).toBeLessThan(100);
    await gate.settled();
    expect(gate.rows()).toMatchObject([
      {
        outcome: 'cut_by_caller',
        code: 'caller_gone',
        status: 499,
        output_tokens: 0,
        estimated: 1,
      },
    ]);
    expect(gate.rows()[0]?.['input_tokens']).toBeGreaterThan(0);
  },
);

test('a caller who leaves a running stream ends the backend and owes what it saw', async () => {
  await using gate = await startGateway({
    config: PRICED,
    mock: { models: ['small'], behaviour: { tokens: 1_000, tps: 100 } },
  });
  await askAndLeave(gate, true, (frames) => frames(5));
  const leftAtMs = performance.now();
  await gate.mock.untilCallerLeft(1);
  expect(performance.now() - leftAtMs).toBeLessThan(100);
  await gate.settled();
  const [row] = gate.rows();
  expect(row).toMatchObject({ outcome: 'cut_by_caller', status: 200, estimated: 1 });
  expect(row?.['output_tokens']).toBeGreaterThanOrEqual(4);
  expect(row?.['cost_nano_usd']).toBeGreaterThan(0);
  expect((await gate.gateway.operations.status()).in_flight).toBe(0);
});

test('callers who leave give back their slots', async () => {
  await using gate = await startGateway({
    config: `${PRICED}\nlimits:\n  - { per: key, concurrent: 2 }`,
    mock: { models: ['small'], behaviour: { ttft_ms: 10_000 } },
  });
  for (let round = 1; round <= 6; round += 1) {
    await askAndLeave(gate, round % 2 === 0, () => gate.mock.untilRequests(round));
    await gate.mock.untilCallerLeft(round);
  }
  gate.mock.set({ ttft_ms: 0 });
  expect((await gate.chat()).status).toBe(200);
  await gate.settled();
  expect(gate.openRows()).toBe(0);
});

test('a caller who reads slowly makes the backend wait instead of filling memory', async () => {
  const chunkBytes = 8_192;
  await using gate = await startGateway({
    mock: {
      models: ['small'],
      behaviour: { text: `${'x'.repeat(chunkBytes)} `.repeat(4_000), tps: 0 },
    },
  });
  const { port } = new URL(gate.url);
  const body = JSON.stringify({
    model: 'small',
    stream: true,
    messages: [{ role: 'user', content: 'hi' }],
  });
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: Number(port),
    socket: { data: (open) => void open.pause() },
  });
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gate.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await gate.mock.untilRequests(1);
  // What left the mock settles where the buffers of three sockets are full.
  const sent = await untilSteady(() => gate.mock.stats().completion_tokens);
  expect(sent * chunkBytes).toBeLessThan(16_000_000);
  socket.terminate();
  await gate.mock.untilCallerLeft(1);
  await gate.settled();
  expect(gate.rows()).toMatchObject([{ outcome: 'cut_by_caller' }]);
});

/** Turns of the event loop until a figure has stayed the same for two hundred of them. */
async function untilSteady(read: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  while (same < 200) {
    const now = read();
    same = now === last ? same + 1 : 0;
    last = now;
    // Polls: nothing tells when full buffers have stopped moving.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return last;
}

test('a caller who leaves while the backend is being connected owes nothing', async () => {
  await using listener = await startFullListener();
  await using gate = await startGateway({
    backends: `full: { type: vllm, url: "${listener.url}", discover: false }`,
    config: 'models:\n  small: { targets: [full], price: { input: 1, output: 2 } }',
  });
  const inFlight = async (count: number) => {
    while ((await gate.gateway.operations.status()).in_flight !== count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await askAndLeave(gate, true, () => inFlight(1));
  await inFlight(0);
  await gate.settled();
  expect(gate.rows()).toMatchObject([
    { outcome: 'refused', code: 'caller_gone', cost_nano_usd: 0, input_tokens: 0 },
  ]);
});

test('a caller who leaves after a model server could not be started leaves no error behind', async () => {
  const uncaught: unknown[] = [];
  const listener = (cause: unknown) => void uncaught.push(cause);
  process.on('unhandledRejection', listener);
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startGateway({
    backends: `own: { type: vllm, url: "http://127.0.0.1:9", discover: false, metrics: off, process: { command: [/bin/false] } }
  other: { type: vllm, url: "${other.url}" }`,
    config:
      'models:\n  small: { targets: [own, other], price: { input: 1, output: 2 }, balance: round_robin }',
  });
  other.set({ ttft_ms: 10_000 });
  for (let round = 1; round <= 2; round += 1) {
    await askAndLeave(gate, false, () => other.untilRequests(round));
    await other.untilCallerLeft(round);
  }
  await gate.settled();
  process.off('unhandledRejection', listener);
  expect(gate.rows().map(({ attempts }) => attempts)).toContain(2);
  expect(uncaught).toEqual([]);
});

test('what comes of a body after its request was ended is not counted for ever', async () => {
  await using gate = await startGateway({
    config: `${PRICED}\noverload: { bytes_in_flight: 6KB }\nmax_body: 6KB\n`,
  });
  const answered = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: Number(new URL(gate.url).port),
    socket: { data: () => answered.resolve() },
  });
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gate.key}\r\n` +
      'content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{ \r\n',
  );
  const { operations } = gate.gateway;
  let id: string | undefined;
  while (id === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    id = (await operations.live(0, ['requests'])).requests?.[0]?.id;
  }
  await operations.cancelRequest(id);
  socket.write(`1000\r\n${' '.repeat(4_096)}\r\n0\r\n\r\n`);
  await answered.promise;
  socket.terminate();
  const content = 'x'.repeat(4_000);
  expect((await gate.chat({ messages: [{ role: 'user', content }] })).status).toBe(200);
});

test('a caller who leaves while a refusal is being read owes nothing', async () => {
  const backend = await startRawBackend();
  await using gate = await startGateway({
    backends: `raw: { type: vllm, url: "${backend.url}", discover: false, metrics: off }`,
    config: 'models:\n  small: { targets: [raw], price: { input: 1, output: 2 } }',
  });
  const isAsked = (log: string) => log.includes('"code":"caller_gone"');
  await askAndLeave(gate, false, async () => {
    const asked = Promise.withResolvers<RawConnection>();
    const listen = async () => {
      // Its health is looked at as well.
      for (;;) {
        const connection = await backend.next();
        void connection.expect('POST').then(() => asked.resolve(connection));
      }
    };
    void listen();
    (await asked.promise).write('HTTP/1.1 500 Oops\r\ncontent-length: 100\r\n\r\n{"er');
    let status: unknown;
    while (status !== 500) {
      await new Promise((resolve) => setImmediate(resolve));
      const { requests } = await gate.gateway.operations.live(0, ['requests']);
      status = requests?.[0]?.attempts[0]?.status;
    }
  });
  while (!isAsked(gate.log())) await new Promise((resolve) => setImmediate(resolve));
  await gate.settled();
  expect(gate.rows()).toMatchObject([
    { outcome: 'refused', code: 'caller_gone', cost_nano_usd: 0 },
  ]);
  await backend.close();
});

test('a request that an operator ends is told so, and its backend is not blamed', async () => {
  await using gate = await startGateway({
    mock: { models: ['small'], behaviour: { tokens: 1_000, tps: 50 } },
  });
  const { operations } = gate.gateway;
  const reply = gate.chat({ stream: true });
  let id: string | undefined;
  while (id === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    const { requests } = await operations.live(0, ['requests']);
    id = requests?.find(({ output_tokens: tokens }) => tokens > 0)?.id;
  }
  await operations.cancelRequest(id);
  const { text } = await reply;
  expect(text).toContain('"code":"cancelled"');
  expect(text).not.toContain('[DONE]');
  await gate.settled();
  expect(gate.rows()).toMatchObject([{ code: 'cancelled', status: 200 }]);
  const { backends } = await operations.live(0);
  expect(backends).toMatchObject([{ failures: 0 }]);
});
