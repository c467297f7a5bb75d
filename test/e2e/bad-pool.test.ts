import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import { type Answer, answering, bareBackend, FaultLab } from '../support/fault-lab.ts';
import { findChangingNames } from '../support/fault-names.ts';
import { freePort } from '../support/fault-ports.ts';
import { note, PROOF_SCALE } from '../support/fault-report.ts';
import {
  type SecondRequest,
  type SecondRequestServer,
  startSecondRequestServer,
} from '../support/fault-second-request.ts';
import { callMock } from '../support/mock-caller.ts';
import { ServeLab } from '../support/serve-lab.ts';

// What a pool does over many requests: storms, waits that backends ask for, connections that are
// dead without a word, names that move, readers that stand still.

const STORM = Math.round(200 * PROOF_SCALE);
const SECOND_REQUESTS: readonly SecondRequest[] = ['silence', 'fin', 'reset'];
const CLOSED = Array.from({ length: 5 }, (_, at) => `closed-${at}`);

let bad: Mock;
let well: Mock;
let onlyV6: Mock | undefined;
let lab: FaultLab;
const second = new Map<SecondRequest, SecondRequestServer>();

beforeAll(async () => {
  [bad, well] = await Promise.all([startMock(), startMock()]);
  onlyV6 = await startMock({ hostname: '::1' }).catch(() => undefined);
  for (const what of SECOND_REQUESTS) second.set(what, await startSecondRequestServer(what));
  const closedUrl = `http://127.0.0.1:${await freePort()}`;
  const backends: Record<string, string> = {
    storm: bareBackend(bad.url),
    lonely: bareBackend(bad.url, answering({ fault: { kind: 'server_error' } })),
    limited: bareBackend(bad.url),
    loading: bareBackend(bad.url),
    slow: bareBackend(bad.url),
    vendor: bareBackend(bad.url, `, resend: false${answering({ fault: contentThenError() })}`),
    v4: bareBackend(bad.url.replace('127.0.0.1', 'localhost')),
    v6: bareBackend(onlyV6?.url.replace('[::1]', 'localhost') ?? 'http://localhost:1'),
    ...Object.fromEntries(CLOSED.map((id) => [id, bareBackend(closedUrl)])),
  };
  for (const [what, { url }] of second) {
    backends[what] = bareBackend(url);
    backends[`${what}-vendor`] = bareBackend(url, ', resend: false');
  }
  const ids = Object.keys(backends);
  lab =
    await FaultLab.open(`timeouts: { connect: 400ms, first_byte: 800ms, idle: 800ms, total: 10s }
budgets: [{ per: key, usd: 50, window: total }]
queue: { keep_alive: 200ms }
backends:
  well: ${bareBackend(well.url)}
${ids.map((id) => `  ${id}: ${backends[id]}`).join('\n')}
models:
${ids.map((id) => `  ${id}: { targets: [${id}], price: { input: 1, output: 2 } }`).join('\n')}
${ids.map((id) => `  ${id}+: { targets: [${id}, well], price: { input: 1, output: 2 } }`).join('\n')}`);
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  for (const server of second.values()) await server[Symbol.asyncDispose]();
  await Promise.all([bad.stop(), well.stop(), onlyV6?.stop()]);
});

/** Both in one read, so that nothing has reached the caller when the error comes. */
function contentThenError() {
  const frames =
    'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n' +
    'data: {"error":{"message":"the card is gone"}}\n\n';
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';
  return { kind: 'raw', text: `${head}Content-Length: ${frames.length}\r\n\r\n${frames}` };
}

/** So many requests, some at a time. */
async function askMany(model: string, count: number, atATime = 10): Promise<Answer[]> {
  const answers: Answer[] = [];
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      answers.push(await lab.ask(model, { stream: left % 2 === 0 }));
    }
  };
  await Promise.all(Array.from({ length: atATime }, one));
  return answers;
}

const failed = (answers: readonly Answer[]) =>
  answers.filter(({ status, failure }) => status !== 200 || failure !== undefined);

test('a refused connection costs a caller no time', async () => {
  // Until the breaker opens.
  const tookMs: number[] = [];
  for (const id of CLOSED) {
    for (let each = 0; each < 4; each += 1) {
      const answer = await lab.ask(`${id}+`);
      expect(answer).toMatchObject({ status: 200, attempts: 2, backend: 'well' });
      tookMs.push(answer.tookMs);
    }
  }
  tookMs.sort((a, b) => a - b);
  const [p50 = 0, max = 0] = [tookMs[Math.floor(tookMs.length / 2)], tookMs.at(-1)];
  note('figures', {
    what: 'failover after a refused connection, whole request, p50 ms',
    value: p50,
  });
  note('figures', {
    what: 'failover after a refused connection, whole request, max ms',
    value: max,
  });
  expect(p50).toBeLessThan(50);
});

describe('a storm of 500s', () => {
  test('is not seen by callers when another backend is well', async () => {
    const [badBefore, wellBefore] = [bad.stats().requests, well.stats().requests];
    bad.set({ fault: { kind: 'server_error' } });
    const answers = await askMany('storm+', STORM);
    bad.set({ fault: [] });
    expect(failed(answers)).toEqual([]);
    const upstream = bad.stats().requests - badBefore + well.stats().requests - wellBefore;
    note('figures', {
      what: '500 storm beside a well backend: upstream / downstream',
      value: upstream / STORM,
    });
    expect(upstream / STORM).toBeLessThanOrEqual(1.2);
    expect(await lab.backend('storm')).toMatchObject({ breaker: 'open' });
  });

  test('is not made worse alone, and who still answers is still asked', async () => {
    const before = bad.stats().requests;
    const answers = await askMany('lonely', STORM);
    const upstream = bad.stats().requests - before;
    note('figures', { what: '500 storm alone: upstream / downstream', value: upstream / STORM });
    expect(upstream / STORM).toBeLessThanOrEqual(1.2);
    expect(upstream).toBeGreaterThan(STORM / 2);
    expect(await lab.backend('lonely')).toMatchObject({ breaker: 'open' });
    for (const { status, failure } of answers) {
      expect({ status, failure }).toEqual({ status: 502, failure: 'backend_error' });
    }
  });
});

describe('429 with Retry-After', () => {
  test('the backend is left alone for as long as it asked, then asked again', async () => {
    bad.script({ fault: { kind: 'rate_limit', retry_after: 1 } });
    const before = bad.stats().requests;
    const startedMs = performance.now();
    const first = await lab.ask('limited+');
    expect(first).toMatchObject({ status: 200, attempts: 2, backend: 'well' });
    while (performance.now() - startedMs < 900) {
      expect(await lab.ask('limited+')).toMatchObject({ attempts: 1, backend: 'well' });
    }
    expect(bad.stats().requests).toBe(before + 1);
    const again = await lab.until(
      () => lab.ask('limited+'),
      ({ backend }) => backend === 'limited',
    );
    expect(again).toMatchObject({ status: 200, attempts: 1 });
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
  });

  test('alone, callers wait in line for it instead of failing', async () => {
    bad.script({ fault: { kind: 'rate_limit', retry_after: 1 } });
    const before = bad.stats().requests;
    const first = lab.ask('limited');
    await bad.until(({ requests, in_flight }) => requests > before && in_flight === 0);
    const answers = await Promise.all([
      first,
      ...Array.from({ length: 9 }, () => lab.ask('limited')),
    ]);
    expect(failed(answers)).toEqual([]);
    expect(answers[0]).toMatchObject({ attempts: 2 });
    expect(answers.slice(1).every(({ attempts }) => attempts === 1)).toBe(true);
    expect(Number(answers[5]?.headers.get('x-llmgate-queue-ms'))).toBeGreaterThan(500);
    expect(bad.stats().requests).toBe(before + 11);
  });
});

describe('a backend that loads its model', () => {
  test('is warming, not dead: a caller waits for it, and hears that it does', async () => {
    bad.script({ fault: { kind: 'loading' } });
    const before = bad.stats().requests;
    const whole = lab.ask('loading');
    await bad.until(({ requests, in_flight }) => requests > before && in_flight === 0);
    const streamed = lab.ask('loading', { stream: true });
    expect(await lab.backend('loading')).toMatchObject({ state: 'warming', breaker: 'closed' });
    const answers = await Promise.all([whole, streamed]);
    expect(failed(answers)).toEqual([]);
    expect(answers.map(({ attempts }) => attempts)).toEqual([2, null]);
    expect(answers[1]?.text).toMatch(/^: /m);
    expect(bad.stats().requests).toBe(before + 3);
  });

  test('another one answers at once', async () => {
    bad.script({ fault: { kind: 'loading' } });
    expect(await lab.ask('loading+')).toMatchObject({ status: 200, attempts: 2, backend: 'well' });
    expect(await lab.backend('loading')).toMatchObject({ state: 'warming', breaker: 'closed' });
  });
});

describe.each(SECOND_REQUESTS)('a kept connection that answers with %s', (what) => {
  test('alone, the request goes out again on a new one', async () => {
    const server = second.get(what);
    expect(await lab.ask(what)).toMatchObject({ status: 200, attempts: 1 });
    const before = server?.connections ?? 0;
    expect(await lab.ask(what)).toMatchObject({ status: 200, attempts: 2 });
    expect(server?.connections).toBe(before + 1);
  });

  test('with another backend nobody is asked twice', async () => {
    expect(await lab.ask(`${what}+`)).toMatchObject({ status: 200, attempts: 2, backend: 'well' });
  });

  test('where a generation may be paid twice the caller decides', async () => {
    // A connection of its own: the ones before are gone.
    expect(await lab.ask(`${what}-vendor`)).toMatchObject({ status: 200, attempts: 1 });
    const answer = await lab.ask(`${what}-vendor`);
    note('table', {
      fault: `kept connection, ${what}, no resend`,
      situation: 'alone',
      kind: 'whole',
      status: answer.status,
      failure: answer.failure,
      backend: answer.backend,
      attempts: answer.attempts,
      ms: Math.round(answer.tookMs),
      retryAfter: '',
    });
    expect(answer).toMatchObject({ attempts: 1, status: what === 'silence' ? 504 : 502 });
  });
});

test('a vendor that broke off a generation is not paid for another one', async () => {
  const answer = await lab.ask('vendor+', { stream: true });
  expect(answer).toMatchObject({ status: 502, attempts: 1, failure: 'backend_error' });
});

describe('names', () => {
  test('of several addresses the one that answers is found', async () => {
    expect(await lab.ask('v4')).toMatchObject({ status: 200, attempts: 1 });
    if (onlyV6 !== undefined)
      expect(await lab.ask('v6')).toMatchObject({ status: 200, attempts: 1 });
  });

  const names = findChangingNames();
  test.skipIf(names === undefined)(
    'that move are followed when the old address fails',
    async () => {
      const one = await startMock();
      const two = await startMock({ hostname: '127.0.0.2', port: one.port });
      names?.set({ 'gpu.test': '127.0.0.1' });
      const moving = await FaultLab.open(
        `backends: { moving: ${bareBackend(`http://gpu.test:${one.port}`)} }
models: { m: { targets: [moving] } }`,
        {
          wrap: (command) => names?.wrap(command) ?? command,
          env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        },
      );
      expect(await moving.ask('m')).toMatchObject({ status: 200, attempts: 1 });
      names?.set({ 'gpu.test': '127.0.0.2' });
      await one.stop();
      const startedMs = performance.now();
      const answers: Answer[] = [];
      await moving.until(
        async () => {
          const answer = await moving.ask('m');
          answers.push(answer);
          return answer.status;
        },
        (status) => status === 200,
        60_000,
      );
      note('figures', {
        what: 'a name moved: requests that failed until it was followed',
        value: answers.length - 1,
      });
      note('figures', {
        what: 'a name moved: ms until it was followed',
        value: performance.now() - startedMs,
      });
      expect(two.stats().requests).toBe(1);
      await moving[Symbol.asyncDispose]();
      await two.stop();
      expect(answers.length).toBe(1);
    },
  );
});

test('a reader that stands still costs little memory, and not for ever', async () => {
  bad.script({ text: `${'x'.repeat(8_192)} `.repeat(8_000), tps: 0 });
  const before = bad.stats();
  const rssBefore = rssBytes(lab.process.pid);
  const body = JSON.stringify({
    model: 'slow',
    stream: true,
    messages: [{ role: 'user', content: 'hi' }],
  });
  const caller = callMock(
    lab.port,
    `POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer ${lab.key.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await caller.until('data: ');
  caller.pause();
  let peak = 0;
  const left = bad.untilCallerLeft(before.left_by_caller + 1, 10_000);
  const watch = setInterval(() => {
    peak = Math.max(peak, rssBytes(lab.process.pid));
  }, 20);
  await left;
  clearInterval(watch);
  const grownMb = (peak - rssBefore) / 1e6;
  const passedMb = ((bad.stats().completion_tokens - before.completion_tokens) * 8_192) / 1e6;
  note('figures', { what: 'a reader that stands still: RSS grows by MB', value: grownMb });
  note('figures', {
    what: 'a reader that stands still: MB that left the backend, of 66',
    value: passedMb,
  });
  // The rest of it is what the buffers of four sockets take.
  expect(passedMb).toBeLessThan(50);
  expect(grownMb).toBeLessThan(50);
  await lab.untilNothingIsHeld();
  expect(lab.lab.rows().at(-1)).toMatchObject({ outcome: 'cut_by_caller', code: 'caller_gone' });
  caller.leave();
});

function rssBytes(pid: number): number {
  const [, kilobytes = '0'] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

test('after all of it nothing is held, and the books agree', async () => {
  await lab.untilNothingIsHeld();
  expect(bad.stats().in_flight + well.stats().in_flight).toBe(0);
  expect(await lab.lab.run('ledger', 'check')).toMatchObject({ code: 0 });
  expect(lab.process.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

test('a pool that cannot work is refused before it is used, each mistake at its place', async () => {
  using file = new ServeLab(`backends:
  one: { type: vllm, url: "http://127.0.0.1:1", discover: false }
  two: { type: vllm, url: "http://127.0.0.1:2", discover: false, process: { command: [] } }
models:
  a: { targets: [one], fallback: { unavailable: [b] } }
  b: { targets: [one], fallback: { unavailable: [a] } }
  c: { targets: [oen], fallback: { unavailable: [d] } }
  e: { targets: [one], split: { canary: { share: 5%, targets: [three] } } }`);
  const { code, stderr, stdout } = await file.run('validate');
  expect(code).toBe(78);
  const text = stdout + stderr;
  note('config', { text });
  for (const place of [
    /llmgate\.yaml:5:58?: two|llmgate\.yaml:5:\d+: backends\.two\.process\.command/,
    /llmgate\.yaml:[78]:\d+: models\.[ab]\.fallback\.unavailable/,
    /llmgate\.yaml:9:\d+: models\.c\.targets/,
    /llmgate\.yaml:9:\d+: models\.c\.fallback\.unavailable/,
    /llmgate\.yaml:10:\d+: models\.e\.split\.canary\.targets/,
  ]) {
    expect(text).toMatch(place);
  }
});
