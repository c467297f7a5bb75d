import { describe, expect, test } from 'vitest';
import type { InvoiceLine } from '../../../src/mock/invoice.ts';
import { findRoute } from '../../../src/protocols/route.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';
import { startTestMock, type TestMock } from '../../support/start-mock.ts';

const messages = [{ role: 'user', content: 'one two three' }];
const NOTHING = {
  ...{ input_tokens: 0, cached_input_tokens: 0, cache_write_tokens: 0 },
  ...{ audio_input_tokens: 0, image_input_tokens: 0, output_tokens: 0 },
  ...{ reasoning_tokens: 0, audio_output_tokens: 0, image_output_tokens: 0 },
};

async function lineAfter(mock: TestMock, request: () => Promise<unknown>): Promise<InvoiceLine> {
  const seen = mock.invoice().length;
  await request();
  await mock.untilIdle();
  const [line] = mock.invoice().slice(seen);
  if (line === undefined) throw new Error('no line was added');
  return line;
}

/** Reads an answer to its end, however it ends. */
async function readAll(reply: Promise<Response>): Promise<void> {
  await reply.then((answer) => answer.arrayBuffer()).catch(() => undefined);
}

describe('what is billed', () => {
  test('a whole answer, with the id of the request and what it is made of', async () => {
    await using mock = await startTestMock({ behaviour: { tokens: 6 } });
    const behaviour = { cached_tokens: 1, cache_write_tokens: 1, reasoning_tokens: 2 };
    const init = { headers: { 'x-request-id': 'r1', 'x-mock': JSON.stringify(behaviour) } };
    const line = await lineAfter(mock, () => readAll(mock.chat({ messages }, undefined, init)));
    expect(line).toEqual({
      ...NOTHING,
      ...{ id: 1, x_request_id: 'r1', path: '/v1/chat/completions', model: 'm' },
      ...{ ended_by: 'complete', status: 200, fault: null, usage_sent: 'right' },
      ...{ input_tokens: 3, cached_input_tokens: 1, cache_write_tokens: 1 },
      ...{ output_tokens: 8, reasoning_tokens: 2 },
    });
  });

  test.each<[string, object, object, object]>([
    [
      'a stream whose usage was asked for',
      { stream: true, stream_options: { include_usage: true } },
      {},
      { output_tokens: 6, usage_sent: 'right' },
    ],
    ['one whose usage was not', { stream: true }, {}, { output_tokens: 6, usage_sent: 'none' }],
    [
      'every choice',
      { n: 3 },
      { reasoning_tokens: 2 },
      { output_tokens: 24, reasoning_tokens: 6, input_tokens: 3 },
    ],
    ['wrong numbers', {}, { fault: { kind: 'usage', value: 'huge' } }, { usage_sent: 'wrong' }],
    ['no numbers', {}, { fault: { kind: 'usage', value: 'missing' } }, { usage_sent: 'none' }],
    [
      'half of an answer that is no JSON',
      {},
      { fault: { kind: 'malformed' } },
      { output_tokens: 6, usage_sent: 'none' },
    ],
    [
      'a stream that was cut',
      { stream: true, stream_options: { include_usage: true } },
      { reasoning_tokens: 1, fault: { kind: 'reset', after_tokens: 4 } },
      { ended_by: 'fault', output_tokens: 4, reasoning_tokens: 1, usage_sent: 'none' },
    ],
    [
      'a stream without its last frame',
      { stream: true, stream_options: { include_usage: true } },
      { fault: { kind: 'no_terminal' } },
      { ended_by: 'fault', output_tokens: 6, usage_sent: 'right' },
    ],
    [
      'an answer that was cut in the middle of its body',
      {},
      { fault: { kind: 'reset', after_tokens: 1 } },
      { ended_by: 'fault', output_tokens: 6, usage_sent: 'none' },
    ],
    [
      'a refusal',
      {},
      { fault: { kind: 'rate_limit' } },
      { ...NOTHING, status: 429, fault: 'rate_limit', usage_sent: 'none' },
    ],
    [
      'nothing before the first byte',
      {},
      { fault: { kind: 'reset' } },
      { ...NOTHING, status: null, ended_by: 'fault' },
    ],
  ])('%s', async (_name, fields, behaviour, expected) => {
    await using mock = await startTestMock({ behaviour: { tokens: 6 } });
    const line = await lineAfter(mock, () =>
      readAll(mock.chat({ messages, ...fields }, behaviour)),
    );
    expect(line).toMatchObject(expected);
  });

  test('what was made until the caller left', async () => {
    await using mock = await startTestMock({ behaviour: { tokens: 1_000, tps: 100 } });
    const line = await lineAfter(mock, async () => {
      const leave = new AbortController();
      const reply = await mock.chat({ messages, stream: true }, {}, { signal: leave.signal });
      await reply.body?.getReader().read();
      leave.abort();
    });
    expect(line).toMatchObject({ ended_by: 'caller_left', input_tokens: 3, usage_sent: 'none' });
    expect(line.output_tokens).toBe(mock.requests()[0]?.tokens_sent ?? -1);
  });

  test('counting tokens is free, probes have no line', async () => {
    await using mock = await startTestMock();
    await fetch(`${mock.url}/v1/models`);
    const line = await lineAfter(mock, () =>
      readAll(mock.post('/v1/messages/count_tokens', { model: 'm', messages })),
    );
    expect(line).toMatchObject({ ...NOTHING, path: '/v1/messages/count_tokens' });
    expect(mock.invoice()).toHaveLength(1);
  });
});

describe('GET /mock/invoice', () => {
  test('in pages', async () => {
    await using mock = await startTestMock();
    for (let at = 0; at < 5; at += 1) await readAll(mock.chat());
    const page = async (query: string) => {
      const reply = await fetch(`${mock.url}/mock/invoice${query}`);
      const { lines } = (await reply.json()) as { lines: InvoiceLine[] };
      return lines.map(({ id }) => id);
    };
    expect(await page('')).toEqual([1, 2, 3, 4, 5]);
    expect(await page('?offset=1&limit=2')).toEqual([2, 3]);
    expect(await page('?offset=5')).toEqual([]);
    mock.reset();
    expect(await page('')).toEqual([]);
  });

  test('past its limit it says that it is not complete', async () => {
    await using mock = await startTestMock({ invoiceLines: 2 });
    for (let at = 0; at < 5; at += 1) await readAll(mock.chat());
    expect(mock.invoice()).toHaveLength(2);
    expect(mock.stats().invoice_dropped).toBe(3);
    const reply = await fetch(`${mock.url}/mock/invoice`);
    expect(await reply.json()).toMatchObject({ dropped: 3 });
  });
});

/** Settings under which every part of the usage is somewhere. */
function someBehaviour(random: SeededRandom): object {
  return {
    tokens: random.int(12),
    prompt_tokens: random.int(300),
    cached_tokens: random.int(100),
    cache_write_tokens: random.int(100),
    audio_input_tokens: random.int(100),
    image_input_tokens: random.int(100),
    reasoning_tokens: random.int(5),
    audio_output_tokens: random.int(5),
    image_output_tokens: random.int(5),
    usage_style: random.pick(['openai', 'deepseek', 'gemini']),
  };
}

describe('llmgate reads from every protocol what the invoice says', () => {
  const bodies = [
    ['/v1/chat/completions', { messages, n: 2 }],
    ['/v1/completions', { prompt: 'a b', n: 2 }],
    ['/v1/responses', { input: 'a b' }],
    ['/v1/messages', { messages, max_tokens: 99 }],
    ['/v1/embeddings', { input: 'a b' }],
    ['/v1/rerank', { query: 'a', documents: ['b c'] }],
    ['/v1/images/generations', { prompt: 'a b', n: 2 }],
  ] as const;

  test.each(bodies)('%s', async (path, body) => {
    await using mock = await startTestMock();
    const found = findRoute('POST', path);
    if (typeof found === 'string') throw new Error(`no route for ${path}`);
    const { wire } = found.route;
    const random = createSeededRandom(7);
    for (let round = 0; round < 40; round += 1) {
      const stream = wire.producesText && round % 2 === 1;
      const asked = stream ? { stream, stream_options: { include_usage: true } } : {};
      let read: { usage: unknown; isUsageSound: boolean } | undefined;
      const line = await lineAfter(mock, async () => {
        const behaviour = someBehaviour(random);
        const reply = await mock.post(path, { model: 'm', ...body, ...asked }, behaviour);
        const bytes = new Uint8Array(await reply.arrayBuffer());
        const reader = wire.openStream({ usageRequested: true });
        if (stream) reader.push(bytes);
        read = stream ? reader : wire.readReply(bytes);
      });
      expect(line.usage_sent).toBe('right');
      expect(read?.isUsageSound).toBe(true);
      expect(read?.usage).toEqual({
        inputTokens: line.input_tokens,
        cachedInputTokens: line.cached_input_tokens,
        cacheWriteTokens: line.cache_write_tokens,
        audioInputTokens: line.audio_input_tokens,
        imageInputTokens: line.image_input_tokens,
        outputTokens: line.output_tokens,
        reasoningTokens: line.reasoning_tokens,
        audioOutputTokens: line.audio_output_tokens,
        imageOutputTokens: line.image_output_tokens,
      });
    }
  });
});
