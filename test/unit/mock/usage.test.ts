import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { USAGE_FAULTS, type UsageFault } from '../../../src/mock/fault.ts';
import { startTestMock } from '../../support/start-mock.ts';

const right = { prompt_tokens: 3, completion_tokens: 6, total_tokens: 9 };

/** What `usage` of a chat answer with 3 + 6 tokens reads, whole and streamed. */
const expected: Record<UsageFault, object | undefined> = {
  negative: { prompt_tokens: -4, completion_tokens: -7, total_tokens: -10 },
  huge: { prompt_tokens: 4e9, completion_tokens: 7e9, total_tokens: 10e9 },
  unsafe: { prompt_tokens: 4 * 2 ** 53, completion_tokens: 7 * 2 ** 53 },
  infinite: { prompt_tokens: Infinity, completion_tokens: Infinity, total_tokens: Infinity },
  fractional: { prompt_tokens: 3.5, completion_tokens: 6.5, total_tokens: 9.5 },
  string: { prompt_tokens: '3', completion_tokens: '6', total_tokens: '9' },
  zero: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  inconsistent: { prompt_tokens: 3, completion_tokens: 6, total_tokens: 10 },
  parts: { ...right, prompt_tokens_details: { cached_tokens: 1_000_000 } },
  missing: undefined,
  twice: right,
  no_choices: right,
  null_choices: right,
};

interface Chunk {
  readonly choices?: unknown[] | null;
  readonly usage?: object | null;
}

describe('wrong usage', () => {
  test.each(USAGE_FAULTS)('%s', async (value) => {
    await using mock = await startTestMock({ behaviour: { tokens: 6 } });
    const messages = [{ role: 'user', content: 'one two three' }];
    const fault = { kind: 'usage', value };
    const whole = await mock.chat({ messages }, { fault });
    const { usage } = (await whole.json()) as Chunk;
    if (expected[value] === undefined) expect(usage).toBeUndefined();
    else expect(usage).toMatchObject(expected[value]);

    const request = { messages, stream: true, stream_options: { include_usage: true } };
    const chunks = parseChunks(await (await mock.chat(request, { fault })).text());
    const reports = chunks.filter((chunk) => chunk.usage !== null && chunk.usage !== undefined);
    expect(reports).toHaveLength({ missing: 0, twice: 2 }[value as string] ?? 1);
    for (const report of reports) {
      expect(report.usage).toMatchObject(expected[value] ?? {});
      const choices = { no_choices: undefined, null_choices: null }[value as string];
      expect(report.choices).toEqual(value.endsWith('_choices') ? choices : []);
    }
    // The answer itself is whole: what is wrong is only the count.
    expect(mock.requests().map(({ ended_by }) => ended_by)).toEqual(['complete', 'complete']);
  });

  test('a caller who did not ask for usage gets none in the stream', async () => {
    await using mock = await startTestMock();
    expect(await (await mock.chat({ stream: true })).text()).not.toContain('usage');
  });

  test.each([
    ['/v1/messages', 'input_tokens', { max_tokens: 9, messages: [{ content: 'a b' }] }],
    ['/v1/responses', 'input_tokens', { input: 'a b' }],
    ['/v1/embeddings', 'prompt_tokens', { input: 'a b' }],
    ['/v1/rerank', 'prompt_tokens', { query: 'a', documents: ['b'] }],
    ['/v1/completions', 'prompt_tokens', { prompt: 'a b' }],
  ])('%s reports it wrong too', async (path, field, body) => {
    await using mock = await startTestMock();
    const ask = async (value: UsageFault) => {
      const reply = await mock.post(
        path,
        { model: 'm', ...body },
        { fault: { kind: 'usage', value } },
      );
      return ((await reply.json()) as { usage?: Record<string, unknown> }).usage;
    };
    expect((await ask('negative'))?.[field]).toBe(-3);
    expect((await ask('string'))?.[field]).toBe('2');
    expect(await ask('missing')).toBeUndefined();
  });
});

describe('gzip', () => {
  test.each([true, false])('stream %s: the same bytes, packed', async (stream) => {
    // Paced, so that a stream is packed in several pieces.
    await using mock = await startTestMock({ behaviour: { tps: 500, tokens: 4 } });
    const get = async (behaviour: object) => {
      const reply = await mock.chat({ stream }, behaviour, { decompress: false } as RequestInit);
      return { reply, bytes: Buffer.from(await reply.arrayBuffer()) };
    };
    const plain = await get({});
    const packed = await get({ fault: { kind: 'gzip' } });
    expect(packed.reply.headers.get('content-encoding')).toBe('gzip');
    expect(withoutId(gunzipSync(packed.bytes))).toBe(withoutId(plain.bytes));
  });

  test('what has been streamed can be read before the end', async () => {
    await using mock = await startTestMock();
    const behaviour = { tps: 1, tokens: 3, fault: { kind: 'gzip' } };
    const leave = new AbortController();
    const reply = await mock.chat({ stream: true }, behaviour, { signal: leave.signal });
    const { value } = (await reply.body?.getReader().read()) ?? {};
    expect(Buffer.from(value ?? []).toString()).toContain('"role":"assistant"');
    leave.abort();
    await mock.untilCallerLeft(1);
  });
});

function parseChunks(text: string): Chunk[] {
  const frames = text.split('\n\n').filter((frame) => frame.startsWith('data: {'));
  return frames.map((frame) => JSON.parse(frame.slice('data: '.length)) as Chunk);
}

function withoutId(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll(/mock\d+|"created":\d+/g, '');
}
