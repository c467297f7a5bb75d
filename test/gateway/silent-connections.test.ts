import { expect, test } from 'vitest';
import { createKeyText, digestSecret } from '../../src/access/key-format.ts';
import { systemClock, systemRandom } from '../../src/core/clock.ts';
import { createRequestIds } from '../../src/core/ids.ts';
import { systemTimers } from '../../src/core/timers.ts';
import { createCounters, type Gate } from '../../src/gateway/gate.ts';
import { InFlight } from '../../src/gateway/in-flight.ts';
import { createRequestTags } from '../../src/gateway/request-tags.ts';
import { handle } from '../../src/gateway/spine.ts';
import { createLimiter } from '../../src/limits/limiter.ts';
import { createLog } from '../../src/observe/log.ts';
import { createBudgetBook } from '../../src/pricing/budgets.ts';
import { createGpuShares } from '../../src/pricing/gpu-share.ts';
import { findRoute } from '../../src/protocols/route.ts';
import { createModelTable } from '../../src/routing/model-table.ts';
import { healthyPool, USUAL_POOL_RULES } from '../support/pool-parts.ts';
import { someKey } from '../support/some-key.ts';

// The server ends connections that are silent for too long, which a request that waits for a model
// must be spared, and nobody else.

const issued = createKeyText(systemRandom);
const key = someKey({
  id: issued.id,
  secrets: [{ digest: digestSecret(issued.secret), createdAtMs: 0, expiresAtMs: null }],
});

function createGate(onSend: () => void): Gate {
  return {
    ...healthyPool({ clock: systemClock, after: systemTimers.after, random: () => 0 }),
    clock: systemClock,
    requestIds: createRequestIds(systemClock),
    log: createLog({
      level: 'error',
      levels: {},
      format: 'json',
      clock: systemClock,
      sink: { write: () => {}, flush: () => {} },
    }),
    keys: { find: (id) => (id === key.id ? key : undefined) },
    limiter: createLimiter({ rules: [], clock: systemClock }),
    budgets: createBudgetBook({ rules: [], clock: systemClock }),
    gpuShares: createGpuShares(systemClock),
    content: { begin: () => undefined, isFailing: false },
    failedLogins: { note: () => {} },
    requestTags: createRequestTags(),
    journal: { open: async () => {}, settle: async () => {}, progress: () => {} },
    counters: createCounters(),
    inFlight: new InFlight(),
    generation: {
      number: 1,
      sender: {
        send: () => {
          onSend();
          return {
            credential: 0,
            hasBegun: true,
            abort: () => {},
            pause: () => {},
            resume: () => {},
          };
        },
        credentialRefused: () => false,
      },
      secrets: [],
      ...USUAL_POOL_RULES,
      unpricedModels: 'allow',
      totalMs: 1_000,
      content: 'off',
      onAuditFailure: 'refuse',
      maxBodyBytes: 1_000,
      idleMs: 1_000,
    },
    models: createModelTable(
      [],
      [{ backend: 'gpu', models: [{ id: 'small', contextTokens: null }] }],
      new Map(),
    ),
    discovered: true,
    draining: false,
  };
}

interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly authorization?: string;
  readonly body?: string | ReadableStream;
}

/** Sends one request through the spine; `timers` are the seconds the server was told to wait. */
function send({ method = 'POST', path = '/v1/chat/completions', authorization, body }: Asking) {
  const { promise: asked, resolve: onSend } = Promise.withResolvers<void>();
  const gate = createGate(onSend);
  const timers: number[] = [];
  const found = findRoute(method, path);
  if (typeof found === 'string') throw new Error(found);
  const request = new Request(`http://localhost${path}`, {
    method,
    headers: {
      authorization: authorization ?? `Bearer ${issued.text}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body }),
  });
  const timeout = (_: Request, seconds: number) => void timers.push(seconds);
  return {
    reply: handle(request, found, gate, { timeout, requestIP: () => null }),
    timers,
    gate,
    asked,
  };
}

test('a caller without a key is never waited for', async () => {
  const { reply, timers } = send({ authorization: 'Bearer nobody', body: '{}' });
  expect((await reply).status).toBe(401);
  expect(timers).toEqual([]);
});

test('a body that does not come is not waited for', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const body = new ReadableStream({ pull: () => resolve() }, { highWaterMark: 0 });
  const { timers } = send({ body });
  await asked;
  expect(timers).toEqual([]);
});

test('a refused body is not waited for', async () => {
  const { reply, timers } = send({ body: '[]' });
  expect((await reply).status).toBe(400);
  expect(timers).toEqual([]);
});

test('a request may wait for its model, until it ends', async () => {
  const body = '{"model":"small","messages":[{"role":"user","content":"hi"}]}';
  const { reply, timers, gate, asked } = send({ body });
  await asked;
  expect(timers).toEqual([0]);
  gate.inFlight.all()[0]?.callerGone();
  await reply;
  expect(timers).toEqual([0, 120]);
});

test('an answered request is over', async () => {
  const { reply, timers } = send({ method: 'GET', path: '/v1/models' });
  expect((await reply).status).toBe(200);
  expect(timers).toEqual([0, 120]);
});
