import { describe, expect, test } from 'vitest';
import { startTestMock } from '../../support/start-mock.ts';

const messages = [{ role: 'user', content: 'one two three' }];
const tools = [{ name: 'weather', input_schema: { properties: { city: { type: 'string' } } } }];

interface Event {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

function parseEvents(text: string): Event[] {
  return text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [, event = '', data = ''] = /^event: (\S+)\ndata: (.*)$/.exec(frame) ?? [];
      return { event, data: JSON.parse(data) as Record<string, unknown> };
    });
}

describe('/v1/messages', () => {
  test('the events of a stream, in Anthropic’s order, with their event lines', async () => {
    await using mock = await startTestMock({ behaviour: { tokens: 2, reasoning_tokens: 1 } });
    const body = { model: 'm', max_tokens: 9, messages, stream: true };
    const events = parseEvents(await (await mock.post('/v1/messages', body)).text());
    expect(events.map(({ event }) => event)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    for (const { event, data } of events) expect(data['type']).toBe(event);
    expect(events.slice(2, 9).map(({ data }) => data['index'])).toEqual([0, 0, 0, 0, 1, 1, 1]);
    expect(events[3]?.data['delta']).toMatchObject({ type: 'thinking_delta' });
    expect(events[4]?.data['delta']).toMatchObject({ type: 'signature_delta' });
    expect(events[10]?.data).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: 3, output_tokens: 3 },
    });
  });

  test('the whole answer: blocks, stop reasons, cached input apart from input', async () => {
    await using mock = await startTestMock({ behaviour: { tokens: 4, cached_tokens: 2 } });
    const ask = async (fields: object) => {
      const reply = await mock.post('/v1/messages', {
        model: 'm',
        max_tokens: 9,
        messages,
        ...fields,
      });
      return reply.json();
    };
    expect(await ask({})).toMatchObject({
      content: [{ type: 'text' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 1, cache_read_input_tokens: 2, output_tokens: 4 },
    });
    expect(await ask({ max_tokens: 2 })).toMatchObject({
      stop_reason: 'max_tokens',
      usage: { output_tokens: 2 },
    });
    const forced = await ask({ tools, tool_choice: { type: 'tool', name: 'weather' } });
    expect(forced).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'weather', input: { city: expect.any(String) } }],
    });
  });

  test('errors in Anthropic’s shape, after the 200 too', async () => {
    await using mock = await startTestMock();
    const unbounded = await mock.post('/v1/messages', { model: 'm', messages });
    expect(unbounded.status).toBe(400);
    expect(await unbounded.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error' },
    });
    const body = { model: 'm', max_tokens: 9, messages, stream: true };
    const limited = await mock.post('/v1/messages', body, { fault: { kind: 'rate_limit' } });
    expect(limited.headers.get('retry-after')).toBe('1');
    expect(await limited.json()).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'Rate limit reached.' },
    });
    const chosen = { kind: 'status', status: 529, body: { as: 'it is' } };
    const verbatim = await mock.post('/v1/messages', body, { fault: chosen });
    expect(await verbatim.json()).toEqual({ as: 'it is' });
    const reply = await mock.post('/v1/messages', body, { fault: { kind: 'error_frame' } });
    expect(parseEvents(await reply.text()).at(-1)).toEqual({
      event: 'error',
      data: { type: 'error', error: { type: 'api_error', message: 'mock fault' } },
    });
  });

  test('count_tokens counts what the answer will report', async () => {
    await using mock = await startTestMock();
    const body = {
      model: 'm',
      system: [{ type: 'text', text: 'be kind' }],
      messages: [...messages, { role: 'assistant', content: [{ type: 'text', text: 'four' }] }],
    };
    const counted = await mock.post('/v1/messages/count_tokens', body);
    expect(await counted.json()).toEqual({ input_tokens: 6 });
    const answered = await mock.post('/v1/messages', { ...body, max_tokens: 1 });
    expect(await answered.json()).toMatchObject({ usage: { input_tokens: 6 } });
  });
});

describe('the smaller endpoints', () => {
  test('rerank: best first, as many as asked', async () => {
    await using mock = await startTestMock();
    const documents = ['red', 'green sea', 'blue', 'old blue sea'];
    const reply = await mock.post('/v1/rerank', {
      model: 'm',
      query: 'a colour',
      documents,
      top_n: 3,
    });
    const { results, usage } = (await reply.json()) as {
      results: { index: number; relevance_score: number; document: { text: string } }[];
      usage: object;
    };
    const scores = results.map(({ relevance_score }) => relevance_score);
    expect(scores).toHaveLength(3);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    for (const { index, document } of results) expect(document.text).toBe(documents[index]);
    expect(usage).toEqual({ prompt_tokens: 4 * 2 + 7, total_tokens: 4 * 2 + 7 });
  });

  test('score: one against many, pairs, and what does not fit', async () => {
    await using mock = await startTestMock();
    const score = async (text_1: unknown, text_2: unknown) => {
      const reply = await mock.post('/v1/score', { model: 'm', text_1, text_2 });
      return { status: reply.status, data: ((await reply.json()) as { data?: unknown[] }).data };
    };
    const [one, many] = [await score('a', ['b', 'c']), await score(['a', 'a'], ['b', 'c'])];
    expect(one.data).toHaveLength(2);
    expect(many).toEqual(one);
    expect((await score(['a', 'b'], ['c'])).status).toBe(400);
    expect((await score('a', undefined)).status).toBe(400);
  });

  test('tokenize counts as the answers do; detokenize brings the mock’s words back', async () => {
    await using mock = await startTestMock();
    const post = async (path: string, body: object) => (await mock.post(path, body)).json();
    const prompt = ' the  water\nzebra ';
    expect(await post('/tokenize', { model: 'm', messages: [{ content: prompt }] })).toEqual(
      await post('/tokenize', { model: 'm', prompt }),
    );
    const { count, tokens } = (await post('/tokenize', { prompt })) as {
      count: number;
      tokens: number[];
    };
    expect(count).toBe(3);
    const back = (await post('/detokenize', { tokens })) as { prompt: string };
    expect(back.prompt).toMatch(/^the water w\d+$/);
    expect((await mock.post('/tokenize', {})).status).toBe(400);
  });

  test('a form is read for its model; a broken one is refused', async () => {
    await using mock = await startTestMock({ models: ['whisper'] });
    const form = new FormData();
    form.set('model', 'other');
    form.set('file', new File(['x'.repeat(10)], 'a.wav'));
    const send = (body: FormData) =>
      fetch(`${mock.url}/v1/audio/transcriptions`, { method: 'POST', body });
    expect((await send(form)).status).toBe(404);
    form.set('model', 'whisper');
    form.set('response_format', 'text');
    const reply = await send(form);
    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect((await reply.text()).split(' ')).toHaveLength(16);
    const broken = await fetch(`${mock.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: 'nothing',
    });
    expect(broken.status).toBe(400);
    expect(mock.stats()).toMatchObject({ completed: 1, refused: 2, in_flight: 0 });
  });

  const refused: [string, string, unknown, number][] = [
    ['POST', '/v1/chat/completions', 'not json', 400],
    ['POST', '/v1/chat/completions', [], 400],
    ['POST', '/v1/chat/completions', { messages: [] }, 400],
    ['POST', '/v1/chat/completions', { messages, max_tokens: 0 }, 400],
    ['POST', '/v1/chat/completions', { messages, n: 1.5 }, 400],
    ['POST', '/v1/completions', {}, 400],
    ['POST', '/v1/embeddings', {}, 400],
    ['POST', '/v1/responses', {}, 400],
    ['POST', '/v1/rerank', { documents: ['a'] }, 400],
    ['POST', '/v1/images/generations', { prompt: 'x', n: 99 }, 400],
    ['POST', '/v1/audio/speech', { input: 'x', response_format: 'midi' }, 400],
    ['POST', '/v1/audio/transcriptions', {}, 400],
    ['POST', '/v1/unknown', {}, 404],
    ['PUT', '/v1/chat/completions', {}, 404],
    ['GET', '/v1/chat/completions', undefined, 404],
  ];
  test.each(refused)('%s %s %j gets %d', async (method, path, body, status) => {
    await using mock = await startTestMock();
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await fetch(mock.url + path, {
      method,
      ...(body === undefined ? {} : { body: text }),
    });
    expect(reply.status).toBe(status);
    expect(await reply.json()).toBeTypeOf('object');
    expect(mock.stats()).toMatchObject({ requests: 1, refused: 1, in_flight: 0 });
  });
});
