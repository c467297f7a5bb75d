import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FaultInput } from '../../src/mock/fault.ts';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import {
  brokenStreams,
  type Expected,
  notHttpAtAll,
  notTheProtocol,
  protocolError,
  SEVEN,
  unusual,
  usages,
} from '../support/bad-answers.ts';
import { type IssuedKey, type Served, ServeLab } from '../support/serve-lab.ts';
import { type Reply, toReply } from '../support/start-gateway.ts';

// Backends that answer as none should, behind the compiled gateway. The caller gets an error of its
// protocol or a broken stream, never a clean end; the books have one row; and nothing is asked twice.

const PRICED =
  'models:\n  small: { targets: [mock], price: { input: 1, output: 2 } }\n' +
  // One answer is looked at, and so many bad ones must not close the backend to the next.
  'retries: { attempts: 1 }\nhealth: { breaker: { min_attempts: 1000 } }\n';
let mock: Mock;
let serve: ServeLab;
let served: Served;
let key: IssuedKey;

beforeAll(async () => {
  mock = await startMock({ models: ['small'], behaviour: { text: SEVEN } });
  // No probe may take the connection that is looked at.
  const quiet = 'health: off, metrics: off, discover: false';
  serve = new ServeLab(
    `backends:\n  mock: { type: vllm, url: "${mock.url}", ${quiet} }\n${PRICED}`,
  );
  served = await serve.serve();
  key = await serve.createKey('caller');
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await mock.stop();
  serve[Symbol.dispose]();
});

describe.each([
  ['answers that are not the protocol', notTheProtocol],
  ['answers that are not HTTP', notHttpAtAll],
  ['streams that break', brokenStreams],
  ['answers that are only unusual', unusual],
  ['usage beyond belief', usages],
])('%s', (_name, table) => {
  test.each(table)('$name', async ({ fault, stream = false, ...expected }) => {
    // Content that is read together with what is wrong behind it does not reach the caller.
    mock.script({ fault, ...(stream && expected.code !== undefined ? { tps: 50 } : {}) });
    await check(await ask({ stream }), stream, expected);
  });
});

test('sound that is compressed, or a web page, is not passed on as sound', async () => {
  for (const fault of [{ kind: 'gzip' }, { kind: 'html' }] as const) {
    mock.script({ fault });
    const speech = { model: 'small', input: 'hi', voice: 'alloy' };
    await check(await ask(speech, '/v1/audio/speech'), false, protocolError);
  }
});

test('headers of a backend that are not its business never reach a caller', async () => {
  mock.script({
    fault: { kind: 'hop_headers' },
    headers: {
      'x-request-id': 'theirs',
      'x-llmgate-cost-usd': '0',
      'x-should-retry': 'true',
      'retry-after': '1',
      'access-control-allow-origin': '*',
      server: 'theirs',
    },
  });
  const { status, headers } = await ask({});
  expect(status).toBe(200);
  expect(headers.get('x-request-id')).not.toBe('theirs');
  expect(headers.get('x-llmgate-cost-usd')).not.toBe('0');
  for (const name of [
    ...['set-cookie', 'x-hop', 'upgrade', 'proxy-authenticate', 'server'],
    ...['x-should-retry', 'retry-after', 'access-control-allow-origin'],
  ]) {
    expect(headers.has(name), name).toBe(false);
  }
});

describe('backends that take their time', () => {
  test('every deadline ends what it is for, and says so', async () => {
    using hasty = new ServeLab(
      `timeouts: { first_byte: 1s, idle: 1s, total: 2s }\n` +
        `backends:\n  mock: { type: vllm, url: "${mock.url}" }\n${PRICED}`,
    );
    await using gateway = await hasty.serve();
    const caller = await hasty.createKey('caller');
    const leftBefore = mock.stats().left_by_caller;
    const seenBefore = mock.stats().requests;
    const slow = async (fault: FaultInput, stream: boolean) => {
      const asked = { headers: { 'x-mock': JSON.stringify({ fault }) }, stream };
      return post(gateway.url, caller, asked);
    };
    const [unbegun, stalled, comments] = await Promise.all([
      slow({ kind: 'stall' }, false),
      slow({ kind: 'stall', after_tokens: 3 }, true),
      slow({ kind: 'comments', after_tokens: 3, every_ms: 20 }, true),
    ]);
    expect(unbegun).toMatchObject({ status: 504, code: 'backend_timeout' });
    expect(unbegun.text).toContain('to begin its answer');
    for (const [answer, words] of [
      [stalled, 'to continue its answer'],
      // Comments are bytes, so a backend that only keeps the line open meets the last deadline.
      [comments, 'to finish its answer'],
    ] as const) {
      expect(answer.status).toBe(200);
      expect(lastFrame(answer)).toMatchObject({ error: { code: 'backend_timeout' } });
      expect(answer.text).toContain(words);
      expect(answer.text).not.toContain('[DONE]');
    }
    await mock.untilCallerLeft(leftBefore + 3);
    expect(mock.stats().requests).toBe(seenBefore + 3);
    expect(hasty.rows("outcome = 'refused'")).toMatchObject([{ code: 'backend_timeout' }]);
    const late = { code: 'backend_timeout', output_tokens: 3, status: 200 };
    expect(hasty.rows("outcome = 'cut_by_backend'")).toMatchObject([late, late]);
  });
});

test('after all of it the books agree, and no fault was taken for one of ours', async () => {
  expect(serve.query('SELECT * FROM open_requests')).toEqual([]);
  expect(await serve.run('ledger', 'check')).toMatchObject({ code: 0 });
  expect(served.process.lines.join('\n')).not.toContain('"level":"error"');
});

/** Controls that a terminal would obey; a backend's own words reach callers without them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
const CONTROL = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

interface Asking {
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

async function post(
  url: string,
  caller: IssuedKey,
  { headers = {}, ...fields }: Asking & Readonly<Record<string, unknown>>,
  path = '/v1/chat/completions',
): Promise<Reply> {
  const messages = [{ role: 'user', content: 'hi' }];
  return toReply(
    await fetch(url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${caller.key}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify({ model: 'small', messages, ...fields }),
    }),
  );
}

function ask(fields: Asking & Readonly<Record<string, unknown>>, path?: string): Promise<Reply> {
  return post(served.url, key, fields, path);
}

async function check(answer: Reply, stream: boolean, expected: Expected): Promise<void> {
  const { status, code, says, row, connection } = expected;
  expect(answer.status).toBe(status);
  const hasBegun = stream && status === 200;
  const told = hasBegun ? codeOf(lastFrame(answer)) : answer.code;
  expect(told).toBe(code);
  if (says !== undefined) expect(answer.text).toContain(JSON.stringify(says).slice(1, -1));
  if (hasBegun) expect(answer.text.trimEnd().endsWith('data: [DONE]')).toBe(code === undefined);
  else if (code !== undefined) expect(answer.headers.get('x-llmgate-error')).toBe(code);
  expect(answer.text).not.toMatch(CONTROL);

  const id = (answer.headers.get('x-request-id') ?? '').replaceAll('-', '');
  expect(serve.rows(`id = '${id}'`)).toMatchObject([{ attempts: 1, ...row }]);
  const seen = mock.requests();
  const asked = seen.filter(
    ({ x_request_id: each }) => each === answer.headers.get('x-request-id'),
  );
  expect(asked).toHaveLength(1);

  expect(await ask({})).toMatchObject({ status: 200 });
  const next = mock.requests().at(-1);
  const isReused = next?.connection === asked[0]?.connection;
  if (connection !== undefined) expect(isReused ? 'reused' : 'closed').toBe(connection);
}

/** The last event of a stream, or undefined when it is no JSON. */
function lastFrame({ text }: Reply): unknown {
  const [, data = ''] = /data: (.*)\s*$/.exec(text.trimEnd()) ?? [];
  return data.startsWith('{') ? JSON.parse(data) : undefined;
}

function codeOf(frame: unknown): unknown {
  return (frame as { readonly error?: { readonly code: string } } | undefined)?.error?.code;
}
