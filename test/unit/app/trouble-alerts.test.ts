import { createHmac } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { startTroubleAlerts } from '../../../src/app/trouble-alerts.ts';
import type { TroubleBounds, TroubleSources } from '../../../src/app/troubles/find-troubles.ts';
import { SinkFailure } from '../../../src/sinks/sink-failure.ts';
import { createWebhook, type Webhook } from '../../../src/sinks/webhook.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { startHttpReceiver } from '../../support/http-receiver.ts';
import { createLogBook } from '../../support/log-book.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const BOUNDS: TroubleBounds = {
  backendDownMs: 60 * SECOND,
  errorRate: 0.1,
  queueMs: 30 * SECOND,
  diskFreeBytes: 1e9,
  auditFailure: true,
};

const UP = { id: 'gpu0', state: 'up', breaker: 'closed', isDrained: false, problem: null };
const DOWN = { ...UP, state: 'down', problem: 'connection refused' };
const RECORDING = { auditFailures: 0, unwritten: 0, dropped: 0, isContentFailing: false };

/** A gateway without troubles, whose figures a test changes. */
function createFigures() {
  return {
    backends: [UP] as ReturnType<TroubleSources['backends']>,
    requests: 0,
    faults: 0,
    bounds: BOUNDS,
    lines: [] as { model: string; oldestMs: number }[],
    diskFreeBytes: 5e9 as number | null,
    recording: RECORDING,
  };
}

type Figures = ReturnType<typeof createFigures>;

function toSources(figures: Figures): TroubleSources {
  return {
    backends: () => figures.backends,
    totals: () => ({ requests: figures.requests, faults: figures.faults }),
    lines: () => figures.lines,
    diskFreeBytes: () => figures.diskFreeBytes,
    recording: () => figures.recording,
  };
}

function startLab(webhook: Webhook | null | undefined = undefined) {
  const figures = createFigures();
  const time = createFakeTime();
  const book = createLogBook();
  const told: string[] = [];
  const bodies: string[] = [];
  const listener: Webhook = {
    async post({ body }) {
      const { type, data } = JSON.parse(body);
      told.push(`${type} ${data.kind} ${data.subject}`.trim());
      bodies.push(body);
    },
  };
  const alerts = startTroubleAlerts({
    ...time,
    ...{ sources: toSources(figures), installId: 'box-1', log: book.log },
    bounds: () => figures.bounds,
    webhook: webhook === undefined ? listener : webhook,
    random: () => new Uint8Array([255]),
  });
  onTestFinished(async () => {
    const closing = alerts.close();
    await time.advance(2 * SECOND);
    await closing;
    expect(time.pending()).toEqual([]);
  });
  return { figures, time, book, told, bodies, alerts };
}

test('a backend is told of when it has been down for a minute, and when it has been up for one', async () => {
  const { figures, time, told, bodies, alerts } = startLab();
  figures.backends = [DOWN];
  await time.advance(55 * SECOND);
  expect(told).toEqual([]);
  await time.advance(15 * SECOND);
  expect(told).toEqual(['trouble.started backend_down gpu0']);
  expect(alerts.active()).toMatchObject([{ kind: 'backend_down', subject: 'gpu0' }]);
  await time.advance(10 * MINUTE);
  expect(told).toHaveLength(1);
  figures.backends = [UP];
  await time.advance(50 * SECOND);
  expect(told).toHaveLength(1);
  await time.advance(15 * SECOND);
  expect(told).toEqual(['trouble.started backend_down gpu0', 'trouble.resolved backend_down gpu0']);
  expect(alerts.active()).toEqual([]);
  const [started, resolved] = bodies.map((body) => JSON.parse(body).data);
  expect(started).toMatchObject({
    install: 'box-1',
    problem: 'backend gpu0 is down: connection refused',
  });
  expect(resolved.trouble).toBe(started.trouble);
});

test('a backend that was only away for a moment is never told of; one that flickers is told of once', async () => {
  const { figures, time, told } = startLab();
  for (let round = 0; round < 10; round += 1) {
    figures.backends = [DOWN];
    await time.advance(40 * SECOND);
    figures.backends = [UP];
    await time.advance(10 * SECOND);
  }
  expect(told).toEqual([]);
  figures.backends = [DOWN];
  await time.advance(70 * SECOND);
  for (let round = 0; round < 10; round += 1) {
    figures.backends = [UP];
    await time.advance(30 * SECOND);
    figures.backends = [DOWN];
    await time.advance(30 * SECOND);
  }
  expect(told).toEqual(['trouble.started backend_down gpu0']);
});

test.each([
  ['an open breaker', { ...UP, breaker: 'open' }, 1],
  ['a backend that an operator has drained', { ...DOWN, isDrained: true }, 0],
  ['an engine that is stopped until it is needed', { ...UP, state: 'stopped' }, 0],
  ['a backend that loads its model', { ...UP, state: 'warming' }, 0],
])('%s', async (_, backend, messages) => {
  const { figures, time, told } = startLab();
  figures.backends = [backend];
  await time.advance(2 * MINUTE);
  expect(told).toHaveLength(messages);
});

test('a backend that a reload takes away is a trouble no more', async () => {
  const { figures, time, told } = startLab();
  figures.backends = [DOWN];
  await time.advance(70 * SECOND);
  figures.backends = [];
  await time.advance(70 * SECOND);
  expect(told.at(-1)).toBe('trouble.resolved backend_down gpu0');
});

test('the rate of faults over five minutes, not since the start', async () => {
  const { figures, time, told } = startLab();
  figures.requests = 10_000;
  await time.advance(6 * MINUTE);
  figures.requests += 100;
  figures.faults += 9;
  await time.advance(MINUTE);
  expect(told).toEqual([]);
  figures.faults += 3;
  await time.advance(10 * SECOND);
  expect(told).toEqual(['trouble.started error_rate']);
  figures.requests += 1_000;
  await time.advance(70 * SECOND);
  expect(told.at(-1)).toBe('trouble.resolved error_rate');
});

test('three failures of four requests are no rate', async () => {
  const { figures, time, told } = startLab();
  figures.requests = 4;
  figures.faults = 3;
  await time.advance(MINUTE);
  expect(told).toEqual([]);
});

test('lines, disk and records', async () => {
  const { figures, time, told } = startLab();
  figures.lines = [
    { model: 'small', oldestMs: 29_000 },
    { model: 'large', oldestMs: 31_000 },
  ];
  figures.diskFreeBytes = 9e8;
  figures.recording = { ...RECORDING, unwritten: 3 };
  await time.advance(5 * SECOND);
  expect(told).toEqual([
    'trouble.started queue_wait large',
    'trouble.started disk_low',
    'trouble.started audit_failure',
  ]);
});

test('one refused event of the trail is told of, and over when a minute or two have passed', async () => {
  const { figures, time, told } = startLab();
  figures.recording = { ...RECORDING, auditFailures: 1 };
  await time.advance(5 * SECOND);
  expect(told).toEqual(['trouble.started audit_failure']);
  await time.advance(130 * SECOND);
  expect(told).toEqual(['trouble.started audit_failure', 'trouble.resolved audit_failure']);
});

test('what is off is not told, also after a reload', async () => {
  const { figures, time, told } = startLab();
  figures.diskFreeBytes = 0;
  figures.backends = [DOWN];
  figures.bounds = { ...BOUNDS, diskFreeBytes: null, backendDownMs: null };
  await time.advance(5 * MINUTE);
  expect(told).toEqual([]);
});

test('a webhook that is away: notes wait, in a bounded queue, and come in order', async () => {
  const posts: string[] = [];
  let isAway = true;
  const { figures, time, alerts } = startLab({
    async post({ body }) {
      if (isAway) throw new SinkFailure('answered HTTP 503');
      posts.push(JSON.parse(body).data.subject);
    },
  });
  figures.backends = Array.from({ length: 120 }, (_, at) => ({ ...DOWN, id: `gpu${at}` }));
  await time.advance(2 * MINUTE);
  expect(alerts.stats()).toMatchObject({ delivered: 0, givenUp: 20 });
  isAway = false;
  await time.advance(6 * MINUTE);
  expect(posts).toHaveLength(100);
  expect(posts[0]).toBe('gpu20');
  expect(posts.at(-1)).toBe('gpu119');
});

test('without a webhook the log is told', async () => {
  const { figures, time, book, alerts } = startLab(null);
  figures.diskFreeBytes = 1;
  await time.advance(10 * SECOND);
  expect(book.events).toEqual(['trouble_started']);
  expect(alerts.stats()).toBeNull();
});

test('figures that cannot be read are logged, and the next look is made all the same', async () => {
  const { figures, time, told, book } = startLab();
  const { recording } = figures;
  Object.defineProperty(figures, 'recording', {
    get: () => {
      throw new Error('the store is closed');
    },
    configurable: true,
  });
  await time.advance(5 * SECOND);
  expect(book.events).toEqual(['troubles_unreadable']);
  Object.defineProperty(figures, 'recording', { value: recording });
  figures.diskFreeBytes = 1;
  await time.advance(5 * SECOND);
  expect(told).toEqual(['trouble.started disk_low']);
});

test('over a real connection: signed, and refused content does not stop the rest', async () => {
  await using receiver = startHttpReceiver();
  const secret = 'a secret of sixteen or more';
  const time = createFakeTime();
  const webhook = createWebhook({ url: `${receiver.url}/hook`, secret }, time);
  const figures = createFigures();
  figures.diskFreeBytes = 1;
  const alerts = startTroubleAlerts({
    ...{ clock: time.clock, timers: time.timers, webhook, installId: 'box-1' },
    ...{ bounds: () => BOUNDS, sources: toSources(figures), log: createLogBook().log },
    random: () => new Uint8Array([0]),
  });
  await time.advance(5 * SECOND);
  await receiver.received(1);
  const [request] = receiver.requests;
  const id = request?.headers.get('webhook-id');
  const stamp = request?.headers.get('webhook-timestamp');
  const signed = createHmac('sha256', secret).update(`${id}.${stamp}.${request?.body}`);
  expect(request?.headers.get('webhook-signature')).toBe(`v1,${signed.digest('base64')}`);
  expect(id).toMatch(/^trouble_[0-9a-f]{24}_started$/);
  const closing = alerts.close();
  await time.advance(2 * SECOND);
  await closing;
});
