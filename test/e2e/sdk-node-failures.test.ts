import OpenAI, {
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BehaviourInput } from '../../src/mock/behaviour.ts';
import { type SdkCaller, type SdkLab, startSdkLab } from '../support/sdk-lab.ts';

// What the official OpenAI client for JavaScript makes of everything that can go wrong.

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ASK = {
  model: 'small',
  messages: [{ role: 'user' as const, content: 'Say something short.' }],
};
const STREAMED = { ...ASK, stream: true as const };

let lab: SdkLab;
beforeAll(async () => {
  lab = await startSdkLab();
});
afterAll(async () => {
  const { code, stdout } = await lab.serve.run('ledger', 'check');
  await lab[Symbol.asyncDispose]();
  expect(code, stdout).toBe(0);
});

async function caught(asking: Promise<unknown>): Promise<APIError> {
  const error = await asking.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof APIError) return error;
  throw new Error(`expected an APIError, not ${String(error)}`);
}

interface Failure {
  readonly name: string;
  /** Flags of `keys create`. */
  readonly key?: readonly string[];
  readonly backend?: BehaviourInput;
  readonly ask?: (client: OpenAI) => Promise<unknown>;
  readonly error: new (...args: never[]) => APIError;
  readonly status: number;
  readonly code: string;
  readonly type: string;
  readonly param?: string;
  /** Requests that the backend may have seen. */
  readonly backendRequests: number;
}

const failures: Failure[] = [
  {
    name: 'an unknown model',
    ask: (client) => client.chat.completions.create({ ...ASK, model: 'nobody' }),
    error: NotFoundError,
    status: 404,
    code: 'model_not_found',
    type: 'invalid_request_error',
    param: 'model',
    backendRequests: 0,
  },
  {
    name: 'a model that this key may not use',
    key: ['--models', 'limited'],
    error: NotFoundError,
    status: 404,
    code: 'model_not_found',
    type: 'invalid_request_error',
    param: 'model',
    backendRequests: 0,
  },
  {
    name: 'an endpoint that this key may not use',
    key: ['--endpoints', 'embeddings'],
    error: PermissionDeniedError,
    status: 403,
    code: 'endpoint_not_allowed',
    type: 'invalid_request_error',
    backendRequests: 0,
  },
  {
    name: 'a field that would choose the backend',
    ask: (client) => client.post('/chat/completions', { body: { ...ASK, api_base: 'http://a' } }),
    error: BadRequestError,
    status: 400,
    code: 'unsupported_field',
    type: 'invalid_request_error',
    param: 'api_base',
    backendRequests: 0,
  },
  {
    name: 'a prompt longer than the context',
    backend: { fault: { kind: 'context_length' } },
    error: BadRequestError,
    status: 400,
    code: 'context_length_exceeded',
    type: 'invalid_request_error',
    backendRequests: 1,
  },
  {
    name: 'a budget that is used up',
    key: ['--budget', '0.000001/month'],
    error: RateLimitError,
    status: 429,
    code: 'insufficient_quota',
    type: 'insufficient_quota',
    backendRequests: 0,
  },
  {
    name: 'a backend that limits its requests',
    backend: { fault: { kind: 'rate_limit', retry_after: 3 } },
    error: RateLimitError,
    status: 429,
    code: 'rate_limit_exceeded',
    type: 'rate_limit_error',
    backendRequests: 1,
  },
  {
    name: 'a backend that fails',
    backend: { fault: { kind: 'server_error' } },
    error: InternalServerError,
    status: 502,
    code: 'backend_error',
    type: 'server_error',
    backendRequests: 1,
  },
  {
    name: 'a backend that is loading its model',
    backend: { fault: { kind: 'loading' } },
    error: InternalServerError,
    status: 503,
    code: 'backend_loading',
    type: 'server_error',
    backendRequests: 1,
  },
  {
    name: 'a backend whose answer is cut short',
    backend: { tokens: 20, fault: { kind: 'fin', after_tokens: 3 } },
    error: InternalServerError,
    status: 502,
    code: 'backend_stream_broken',
    type: 'server_error',
    backendRequests: 1,
  },
];

describe('error classes', () => {
  test.each(failures)('$name: $status $code', async (failure) => {
    const caller = await lab.openCaller(...(failure.key ?? []));
    const client = caller.withOptions({ maxRetries: 0 });
    const before = lab.mock.stats().requests;
    if (failure.backend !== undefined) lab.mock.script(failure.backend);
    const error = await caught((failure.ask ?? askChat)(client));
    expect(error).toBeInstanceOf(failure.error);
    expect(error).toMatchObject({
      status: failure.status,
      code: failure.code,
      type: failure.type,
      param: failure.param ?? null,
      requestID: expect.stringMatching(UUID_V7),
    });
    expect(error.headers?.get('x-llmgate-error')).toBe(failure.code);
    expect(lab.mock.stats().requests - before).toBe(failure.backendRequests);
    expect(await caller.usage()).toMatchObject({
      rows: [{ outcome: 'refused' }],
      total: { requests: 1, errors: 1, input_tokens: 0, output_tokens: 0 },
    });
    expect(lab.serve.rows(`key = '${caller.key.id}'`)).toMatchObject([
      { id: error.requestID?.replaceAll('-', ''), code: failure.code, cost_nano_usd: 0 },
    ]);
  });

  test('a wrong key: 401 invalid_api_key, and no row', async () => {
    const rows = lab.serve.rows().length;
    const apiKey = 'sk-lg-000000000000-00000000000000000000000000000000000000';
    const client = new OpenAI({ apiKey, baseURL: `${lab.url}/v1` });
    for (const asking of [askChat(client), client.models.list()]) {
      const error = await caught(asking);
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' });
      expect(error.message).not.toContain(apiKey);
    }
    expect(lab.serve.rows()).toHaveLength(rows);
  });
});

describe('timeouts and leaving', () => {
  test("the client's own timeout ends the request at the backend", async () => {
    const caller = await lab.openCaller();
    const left = lab.mock.stats().left_by_caller;
    lab.mock.script({ ttft_ms: 60_000 });
    const client = caller.withOptions({ timeout: 200, maxRetries: 0 });
    expect(await caught(askChat(client))).toBeInstanceOf(APIConnectionTimeoutError);
    await lab.mock.untilCallerLeft(left + 1);
    expect(lab.mock.requests().at(-1)).toMatchObject({ ended_by: 'caller_left' });
    await expectCut(caller);
  });

  test('a stream that is aborted midway stops the backend', async () => {
    const caller = await lab.openCaller();
    const left = lab.mock.stats().left_by_caller;
    lab.mock.script({ tokens: 10_000, tps: 200 });
    const stream = await caller.client.chat.completions.create(STREAMED);
    let chunks = 0;
    for await (const _ of stream) {
      chunks += 1;
      if (chunks === 5) stream.controller.abort();
    }
    await lab.mock.untilCallerLeft(left + 1);
    expect(lab.mock.requests().at(-1)?.tokens_sent).toBeLessThan(1_000);
    const { total } = await expectCut(caller);
    expect(total.output_tokens).toBeGreaterThan(3);
  });

  test('an abort before the answer begins', async () => {
    const caller = await lab.openCaller();
    const { left_by_caller: left, requests } = lab.mock.stats();
    lab.mock.script({ ttft_ms: 60_000 });
    const leave = new AbortController();
    const asking = caught(
      caller.client.chat.completions.create(STREAMED, { signal: leave.signal }),
    );
    await lab.mock.untilRequests(requests + 1);
    leave.abort();
    expect(await asking).toBeInstanceOf(APIUserAbortError);
    await lab.mock.untilCallerLeft(left + 1);
    await expectCut(caller);
  });
});

async function expectCut(caller: SdkCaller) {
  const usage = await caller.usage();
  expect(usage.rows).toMatchObject([{ outcome: 'cut_by_caller', requests: 1, estimated: 1 }]);
  expect(usage.total.input_tokens).toBeGreaterThan(0);
  return usage;
}

describe('retries', () => {
  test('an exhausted budget says x-should-retry: false, and the client obeys', async () => {
    const caller = await lab.openCaller('--budget', '0.000001/month');
    const error = await caught(askChat(caller.client));
    expect(error).toMatchObject({ status: 429, code: 'insufficient_quota' });
    expect(error.headers?.get('x-should-retry')).toBe('false');
    expect(caller.client.maxRetries).toBe(2);
    expect((await caller.usage()).total.requests).toBe(1);
  });

  test('a rate limit says how long in milliseconds, and the client waits just so', async () => {
    const caller = await lab.openCaller();
    const ask = { ...ASK, model: 'limited' };
    await caller.client.chat.completions.create(ask);
    const told = await caught(caller.withOptions({ maxRetries: 0 }).chat.completions.create(ask));
    expect(told).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    const toldMs = Number(told.headers?.get('retry-after-ms'));
    expect(toldMs).toBeGreaterThan(1_000);
    expect(toldMs).toBeLessThanOrEqual(1_200);
    expect(told.headers?.get('retry-after')).toBe('2');
    expect(told.headers?.get('x-should-retry')).toBe('true');

    expect((await caller.client.chat.completions.create(ask)).choices).toHaveLength(1);
    const rows = lab.serve.rows(`key = '${caller.key.id}'`);
    expect(rows.map(({ outcome }) => outcome)).toEqual(['served', 'refused', 'refused', 'served']);
    const [, first, second, last] = rows.map((row) => Number(row['started_at_ms']));
    const leftMs = toldMs - ((second ?? 0) - (first ?? 0));
    // Its own back-off would be 500 ms at most, and `retry-after` says 2 s.
    const waitedMs = (last ?? 0) - (second ?? 0);
    expect(waitedMs).toBeGreaterThanOrEqual(leftMs - 5);
    expect(waitedMs).toBeLessThan(1_900);
  });

  test('a backend that fails once is asked again by the client, each time with a row', async () => {
    const caller = await lab.openCaller();
    lab.mock.script({ fault: { kind: 'server_error' } });
    const { data, request_id } = await caller.client.chat.completions.create(ASK).withResponse();
    expect(data.choices).toHaveLength(1);
    const rows = lab.serve.rows(`key = '${caller.key.id}'`);
    expect(rows).toMatchObject([
      { outcome: 'refused', code: 'backend_error', cost_nano_usd: 0 },
      { outcome: 'served', id: request_id?.replaceAll('-', '') },
    ]);
  });
});

describe('a broken stream never looks complete', () => {
  test.each<[string, BehaviourInput, string]>([
    ['reset midway', { fault: { kind: 'reset', after_tokens: 5 } }, 'backend_stream_broken'],
    ['ended without its terminal', { fault: { kind: 'no_terminal' } }, 'backend_stream_broken'],
    [
      'a malformed frame',
      { fault: { kind: 'malformed', after_tokens: 5 } },
      'backend_protocol_error',
    ],
    [
      "the backend's own error frame",
      { fault: { kind: 'error_frame', after_tokens: 5, message: 'out of memory' } },
      'backend_error',
    ],
  ])('%s', async (_name, behaviour, code) => {
    const caller = await lab.openCaller();
    lab.mock.script({ tokens: 20, tps: 400, ...behaviour }, { tokens: 20, tps: 400, ...behaviour });
    let text = '';
    const reading = async () => {
      for await (const { choices } of await caller.client.chat.completions.create(STREAMED)) {
        text += choices[0]?.delta.content ?? '';
      }
    };
    const error = await caught(reading());
    expect(error).toMatchObject({ code, type: 'server_error', requestID: expect.any(String) });
    // What came before the break is the caller's, and is owed.
    expect(text).not.toBe('');
    await expect(caller.client.chat.completions.stream(ASK).finalContent()).rejects.toThrow(
      error.message,
    );
    const { rows, total } = await caller.usage();
    expect(rows).toMatchObject([{ outcome: 'cut_by_backend', requests: 2, estimated: 2 }]);
    expect(total.output_tokens).toBeGreaterThan(0);
  });
});

function askChat(client: OpenAI): Promise<unknown> {
  return client.chat.completions.create(ASK);
}
