import { expect, onTestFinished, test } from 'vitest';
import { createAlertDeliverer } from '../../../src/sinks/alert-deliverer.ts';
import { type Alert, toAlertMessage } from '../../../src/sinks/alert-message.ts';
import { SinkFailure } from '../../../src/sinks/sink-failure.ts';
import { createWebhook, type Webhook } from '../../../src/sinks/webhook.ts';
import type { BudgetAlert } from '../../../src/store/budget-store.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { neverAnswer, startHttpReceiver } from '../../support/http-receiver.ts';
import { createLogBook } from '../../support/log-book.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 86_400 * SECOND;
const NOW = Date.UTC(2026, 10, 18, 10, 30);

function anAlert(change: Partial<BudgetAlert> = {}): BudgetAlert {
  return {
    per: 'team',
    subject: 'research',
    measure: 'usd',
    window: 'month',
    windowStartMs: Date.UTC(2026, 10, 1),
    threshold: 80,
    limit: 1_000_000_000_000,
    spent: 800_000_000_123,
    atMs: NOW,
    ...change,
  };
}

/** The alerts of a store in memory, which forgets them when they are delivered. */
function createAlerts(count: number, change: Partial<BudgetAlert> = {}) {
  const pending = Array.from({ length: count }, (_, at) =>
    anAlert({ subject: `t${at}`, ...change }),
  );
  const alerts = {
    pending,
    looks: 0,
    failure: undefined as Error | undefined,
    undelivered(limit: number) {
      alerts.looks += 1;
      return pending.slice(0, limit);
    },
    markDelivered(alert: BudgetAlert) {
      if (alerts.failure !== undefined) throw alerts.failure;
      pending.splice(pending.indexOf(alert), 1);
    },
  };
  return alerts;
}

/** A webhook in memory that fails as a test says. */
function createPosts(fail: (subject: string) => SinkFailure | undefined = () => undefined) {
  const posts: string[] = [];
  const webhook: Webhook = {
    async post({ body }) {
      const { subject } = JSON.parse(body).data;
      posts.push(subject);
      const failure = fail(subject);
      if (failure !== undefined) throw failure;
    },
  };
  return { posts, webhook };
}

function startLab(webhook: Webhook, alerts: ReturnType<typeof createAlerts>) {
  const time = createFakeTime();
  const book = createLogBook();
  const deliverer = createAlertDeliverer({
    ...time,
    alerts,
    webhook,
    installId: 'box-1',
    random: () => new Uint8Array([255]),
    log: book.log,
  });
  onTestFinished(async () => {
    const closing = deliverer.close();
    await time.advance(2 * SECOND);
    await closing;
  });
  return { time, book, deliverer };
}

const dead = () => new SinkFailure('POST failed (ECONNREFUSED)');

test('the message of an alert in dollars', () => {
  const { id, body } = toAlertMessage(anAlert(), 'box-1');
  expect(id).toMatch(/^alert_[0-9a-f]{32}$/);
  expect(JSON.parse(body)).toEqual({
    type: 'budget.threshold',
    timestamp: '2026-11-18T10:30:00.000Z',
    data: {
      install: 'box-1',
      per: 'team',
      subject: 'research',
      measure: 'usd',
      window: 'month',
      window_start: '2026-11-01T00:00:00.000Z',
      threshold_percent: 80,
      limit_usd: '1000',
      spent_usd: '800.000000123',
    },
  });
});

test('the message of an alert in tokens', () => {
  const alert = anAlert({ measure: 'tokens', limit: 100, spent: 101, per: 'all', subject: '' });
  expect(JSON.parse(toAlertMessage(alert, 'box-1').body).data).toMatchObject({
    per: 'all',
    subject: '',
    measure: 'tokens',
    limit_tokens: 100,
    spent_tokens: 101,
  });
});

test('an id is of one threshold of one purse in one window of one gateway', () => {
  const idOf = (change: Partial<Alert>, install = 'box-1') =>
    toAlertMessage({ ...anAlert(), ...change }, install).id;
  expect(idOf({ spent: 5, atMs: 1 })).toBe(idOf({}));
  const ids = [
    idOf({}),
    idOf({ per: 'user' }),
    idOf({ subject: 'x' }),
    idOf({ measure: 'tokens' }),
    idOf({ window: 'day' }),
    idOf({ windowStartMs: 0 }),
    idOf({ threshold: 100 }),
    idOf({}, 'box-2'),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test('alerts found at the start and at a nudge are told once each', async () => {
  const alerts = createAlerts(70);
  const { posts, webhook } = createPosts();
  const { time, deliverer } = startLab(webhook, alerts);
  await time.advance(0);
  expect(posts).toEqual(Array.from({ length: 70 }, (_, at) => `t${at}`));
  alerts.pending.push(anAlert({ subject: 'new' }));
  deliverer.nudge();
  await time.advance(0);
  expect(posts.at(-1)).toBe('new');
  alerts.pending.push(anAlert({ subject: 'unnoticed' }));
  await time.advance(30 * SECOND);
  expect(posts.at(-1)).toBe('unnoticed');
  expect(deliverer.stats()).toEqual({ delivered: 72, failed: 0, retried: 0, givenUp: 0 });
});

test('a dead address costs one request in five minutes, however many alerts wait', async () => {
  let isDead = true;
  const alerts = createAlerts(40);
  const { posts, webhook } = createPosts(() => (isDead ? dead() : undefined));
  const { time, book, deliverer } = startLab(webhook, alerts);
  for (let minute = 0; minute < 3 * 24 * 60; minute += 10) {
    deliverer.nudge();
    await time.advance(10 * MINUTE);
  }
  expect(posts.length).toBeLessThan(3 * 24 * 12 + 10);
  expect(new Set(posts)).toEqual(new Set(['t0']));
  expect(book.events).toEqual(['alerts_failing']);
  isDead = false;
  const before = posts.length;
  await time.advance(5 * MINUTE);
  expect(posts.slice(before)).toEqual(Array.from({ length: 40 }, (_, at) => `t${at}`));
  expect(deliverer.stats()).toMatchObject({ delivered: 40, failed: before, givenUp: 0 });
  expect(deliverer.stats().retried).toBeGreaterThanOrEqual(before - 1);
});

test('an alert that is refused for its content does not keep others from being told', async () => {
  const alerts = createAlerts(3);
  const rejected = () => new SinkFailure('answered HTTP 400', { kind: 'rejected' });
  const { posts, webhook } = createPosts((subject) => (subject === 't0' ? rejected() : undefined));
  const { time } = startLab(webhook, alerts);
  await time.advance(0);
  expect(posts).toEqual(['t0', 't1', 't2']);
  expect(alerts.pending.map(({ subject }) => subject)).toEqual(['t0']);
});

test('an alert is given up after a week, never one that was told', async () => {
  const old = anAlert({ subject: 'old', atMs: NOW - 7 * DAY });
  const alerts = createAlerts(0);
  alerts.pending.push({ ...old, subject: 'told' }, old, anAlert({ subject: 'new' }));
  const { webhook } = createPosts((subject) => (subject === 'told' ? undefined : dead()));
  const { time, book, deliverer } = startLab(webhook, alerts);
  await time.advance(0);
  expect(alerts.pending.map(({ subject }) => subject)).toEqual(['new']);
  expect(deliverer.stats()).toMatchObject({ delivered: 1, givenUp: 1 });
  expect(book.events).toEqual(['alerts_failing', 'alert_given_up']);
});

test('a told alert is not told again while the books cannot be written', async () => {
  const alerts = createAlerts(1);
  alerts.failure = new Error('disk full');
  const { posts, webhook } = createPosts();
  const { time } = startLab(webhook, alerts);
  await time.advance(10 * MINUTE);
  expect(posts).toEqual(['t0']);
  alerts.failure = undefined;
  await time.advance(5 * MINUTE);
  expect(posts).toEqual(['t0']);
  expect(alerts.pending).toEqual([]);
});

test('over a real socket: signed, retried, and told after a restart', async () => {
  await using receiver = startHttpReceiver();
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const url = `${receiver.url}/hooks/T0-secret`;
  const alerts = createAlerts(1);
  const answers = [503, 302, 204];
  receiver.answerWith(
    () => new Response(null, { status: answers.shift() ?? 500, headers: { location: '/x' } }),
  );
  const lab = createFakeTime();
  const { time, book, deliverer } = startLab(createWebhook({ url, secret }, lab), alerts);
  await receiver.received(1);
  await time.armed(998);
  await time.advance(998);
  await receiver.received(2);
  await deliverer.close();
  expect(alerts.pending).toHaveLength(1);

  const next = startLab(createWebhook({ url, secret }, lab), alerts);
  await receiver.received(3);
  await next.time.armed(30 * SECOND);
  expect(alerts.pending).toEqual([]);
  const ids = receiver.requests.map(({ headers }) => headers.get('webhook-id'));
  expect(new Set(ids).size).toBe(1);
  expect(book.text).not.toContain('secret');
  expect(book.text).not.toContain('MfKQ9r8');
});

test('closing does not wait for an address that hangs', async () => {
  await using receiver = startHttpReceiver();
  receiver.answerWith(neverAnswer);
  const alerts = createAlerts(2);
  const lab = createFakeTime();
  const webhook = createWebhook({ url: receiver.url, secret: 'x' }, lab);
  const { time, deliverer } = startLab(webhook, alerts);
  await receiver.received(1);
  const closing = deliverer.close();
  await time.advance(2 * SECOND);
  await closing;
  expect(receiver.requests).toHaveLength(1);
  expect(alerts.pending).toHaveLength(2);
});
