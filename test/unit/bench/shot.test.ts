import { describe, expect, test } from 'vitest';
import { openClient } from '../../../src/bench/bench-lab.ts';
import { Shot, type ShotEnd, type ShotPlan } from '../../../src/bench/shot.ts';
import { createRequest, createTarget } from '../../../src/bench/target.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { startRawBackend } from '../../support/raw-backend.ts';
import { startTestMock } from '../../support/start-mock.ts';

interface Fired {
  readonly end: ShotEnd;
  readonly shot: Shot;
  readonly gaps: readonly (number | null)[];
}

/** One request to `url`, to its end. */
async function fire(
  url: string,
  plan: Partial<ShotPlan> = {},
  behaviour: object = {},
): Promise<Fired> {
  const { client, close } = openClient(systemClock);
  const { endpoint = 'chat', stream = true } = plan;
  const target = createTarget({
    url,
    apiKey: null,
    headers: [['x-mock', JSON.stringify(behaviour)]],
    timeoutMs: 2_000,
  });
  const gaps: (number | null)[] = [];
  const { promise, resolve } = Promise.withResolvers<ShotEnd>();
  const shot = new Shot({ index: 0, intendedMs: 0, endpoint, stream }, systemClock, {
    onPiece: (_, gapMs) => gaps.push(gapMs),
    onEnd: (_, end) => resolve(end),
  });
  const body = { endpoint, model: 'm', stream, ignoreEos: false, extraBody: {} };
  const input = { kind: 'text', text: 'one two three' } as const;
  shot.send(client, createRequest(target, body, { input, inputTokens: 3, maxTokens: 5 }));
  try {
    return { end: await promise, shot, gaps };
  } finally {
    close();
  }
}

describe('a whole answer', () => {
  test.each([
    ['chat', true, 5],
    ['chat', false, 5],
    ['completions', true, 5],
    ['completions', false, 5],
    ['embeddings', false, 0],
  ] as const)('%s, streamed: %s', async (endpoint, stream, output) => {
    await using mock = await startTestMock();
    const { end, gaps } = await fire(mock.url, { endpoint, stream });
    expect(end).toEqual({
      kind: 'completed',
      tokens: { input: 3, output, source: 'usage', statedNonsense: false },
    });
    expect(gaps).toHaveLength(stream ? 5 : 0);
    expect(gaps.filter((gap) => gap === null)).toHaveLength(stream ? 1 : 0);
  });

  test('reasoning counts as output, and the first token after it is told apart', async () => {
    await using mock = await startTestMock();
    const { end, shot } = await fire(mock.url, {}, { tokens: 5, reasoning_tokens: 3, tps: 200 });
    expect(end).toMatchObject({ kind: 'completed', tokens: { output: 5 } });
    expect(shot.firstOutputMs).toBeGreaterThan(shot.secondMs ?? 0);
    expect(shot.secondMs).toBeGreaterThanOrEqual(shot.firstMs ?? 0);
  });

  test('several tokens in a chunk: usage knows how many', async () => {
    await using mock = await startTestMock();
    const { end, gaps } = await fire(mock.url, {}, { tokens_per_chunk: 2 });
    expect(end).toMatchObject({ tokens: { output: 5, source: 'usage' } });
    expect(gaps).toHaveLength(3);
  });
});

describe('usage that cannot be believed is counted from the chunks', () => {
  test.each([
    ['missing', false],
    ['negative', true],
    ['huge', true],
    ['unsafe', true],
    ['fractional', true],
    ['string', true],
    ['zero', true],
    ['inconsistent', true],
  ])('%s', async (value, statedNonsense) => {
    await using mock = await startTestMock();
    const { end } = await fire(mock.url, {}, { fault: { kind: 'usage', value } });
    expect(end).toMatchObject({
      kind: 'completed',
      tokens: { output: 5, source: 'pieces', statedNonsense },
    });
  });
});

describe('faults', () => {
  test.each([
    [{ kind: 'html' }, 'wrong_content_type'],
    [{ kind: 'no_content' }, 'http_204'],
    [{ kind: 'redirect', location: 'http://127.0.0.1:1/' }, 'http_301'],
    [{ kind: 'rate_limit', retry_after: 1 }, 'http_429'],
    [{ kind: 'server_error' }, 'http_500'],
    [{ kind: 'no_terminal' }, 'stream_broken'],
    [{ kind: 'role_only' }, 'stream_broken'],
    [{ kind: 'fin', after_tokens: 2 }, 'stream_broken'],
    [{ kind: 'reset', after_tokens: 2 }, 'stream_broken'],
    [{ kind: 'reset' }, 'reset'],
    [{ kind: 'error_frame', after_tokens: 2, message: 'out of memory' }, 'error_in_stream'],
    [{ kind: 'malformed', after_tokens: 2 }, 'malformed'],
    [{ kind: 'bad_utf8', after_tokens: 2 }, 'malformed'],
    [{ kind: 'huge_line', after_tokens: 2 }, 'too_large'],
    [{ kind: 'bad_chunk', after_tokens: 2 }, 'protocol'],
    [{ kind: 'stall', after_tokens: 2 }, 'total_timeout'],
  ])('%j is %s', async (fault, name) => {
    await using mock = await startTestMock();
    const { end } = await fire(mock.url, {}, { fault });
    expect(end).toMatchObject({ kind: 'failed', fault: { class: name } });
  });

  test.each([
    [{ kind: 'malformed', after_tokens: 2 }, 'malformed'],
    [{ kind: 'html' }, 'wrong_content_type'],
    [{ kind: 'fin', after_tokens: 2 }, 'closed'],
  ])('without a stream, %j is %s', async (fault, name) => {
    await using mock = await startTestMock();
    const { end } = await fire(mock.url, { stream: false }, { fault });
    expect(end).toMatchObject({ kind: 'failed', fault: { class: name } });
  });

  test('a refusal says why, on one line', async () => {
    await using mock = await startTestMock();
    const body = { error: { message: 'no\u001b[2J\nroom', code: 'full' } };
    const { end } = await fire(mock.url, {}, { fault: { kind: 'status', status: 503, body } });
    expect(end).toMatchObject({ fault: { class: 'http_503', detail: 'full: no [2J room' } });
  });

  test.each([
    ['a stream of nothing', 'data: [DONE]\n\n', 'no_tokens'],
    ['frames that are lists', 'data: []\n\ndata: [DONE]\n\n', 'malformed'],
    ['comments alone', ': ping\n\n', 'stream_broken'],
  ])('%s', async (_, body, name) => {
    await using backend = await openRaw('text/event-stream', body);
    const { end } = await fire(backend.url);
    expect(end).toMatchObject({ kind: 'failed', fault: { class: name } });
  });

  test.each([
    ['an object without results', '{}', 'no_tokens'],
    ['an error with status 200', '{"error":{"message":"no"}}', 'malformed'],
    ['nothing', '', 'malformed'],
    ['a number', '5', 'malformed'],
  ])('whole: %s', async (_, body, name) => {
    await using backend = await openRaw('application/json', body);
    const { end } = await fire(backend.url, { stream: false });
    expect(end).toMatchObject({ kind: 'failed', fault: { class: name } });
  });
});

test('a shot that is left ends once, and the server sees it go', async () => {
  await using mock = await startTestMock();
  const { client, close } = openClient(systemClock);
  const ends: ShotEnd[] = [];
  const first = Promise.withResolvers<void>();
  const plan = { index: 0, intendedMs: 0, endpoint: 'chat', stream: true } as const;
  const shot = new Shot(plan, systemClock, {
    onPiece: () => first.resolve(),
    onEnd: (_, end) => ends.push(end),
  });
  const headers = [['x-mock', '{"tokens":1000,"tps":10}']] as const;
  const target = createTarget({ url: mock.url, apiKey: null, headers, timeoutMs: 5_000 });
  const body = {
    endpoint: 'chat',
    model: 'm',
    stream: true,
    ignoreEos: false,
    extraBody: {},
  } as const;
  const input = { kind: 'text', text: 'go' } as const;
  shot.send(client, createRequest(target, body, { input, inputTokens: 1, maxTokens: null }));
  await first.promise;
  shot.leave('cancelled');
  shot.leave('incomplete');
  await mock.untilCallerLeft(1);
  expect(ends).toEqual([{ kind: 'cancelled' }]);
  close();
});

/** Answers one request with exactly this body. */
async function openRaw(type: string, body: string) {
  const backend = await startRawBackend();
  const length = Buffer.byteLength(body);
  void backend.next().then(async (connection) => {
    await connection.expect('\r\n\r\n');
    connection.write(
      `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n${body}`,
    );
  });
  return { url: backend.url, [Symbol.asyncDispose]: () => backend.close() };
}
