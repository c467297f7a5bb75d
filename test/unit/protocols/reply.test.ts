import { describe, expect, test } from 'vitest';
import { NO_USAGE } from '../../../src/core/usage.ts';
import { findRoute } from '../../../src/protocols/route.ts';
import type { ReplyFacts } from '../../../src/protocols/wire.ts';
import { thrownBy } from '../../support/thrown.ts';

function readReply(path: string, body: unknown): ReplyFacts {
  const found = findRoute('POST', path);
  if (typeof found === 'string') throw new Error(`no route for ${path}`);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return found.route.wire.readReply(new TextEncoder().encode(text));
}

const CHAT = '/v1/chat/completions';
const tool = { id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":1}' } };
const billed = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
const usage = { ...NO_USAGE, inputTokens: 9, outputTokens: 5 };

describe('usage and our own count', () => {
  test.each<[string, string, unknown, Omit<ReplyFacts, 'isUsageSound'>]>([
    [
      'chat',
      CHAT,
      { choices: [{ message: { content: 'abcdefgh', reasoning_content: 'abcd' } }], usage: billed },
      { usage, outputTokensCounted: 3 },
    ],
    [
      'chat without usage',
      CHAT,
      {
        choices: [
          { message: { content: null, tool_calls: [tool] } },
          { message: { refusal: 'no' } },
        ],
      },
      { usage: null, outputTokensCounted: 4 },
    ],
    ['chat with nothing in it', CHAT, { choices: null }, { usage: null, outputTokensCounted: 0 }],
    [
      'completions',
      '/v1/completions',
      { choices: [{ text: 'abcd' }, { text: 'efgh' }], usage: billed },
      { usage, outputTokensCounted: 2 },
    ],
    [
      'responses',
      '/v1/responses',
      {
        object: 'response',
        error: null,
        output: [
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'abcd' }] },
          { type: 'message', content: [{ type: 'output_text', text: 'abcd' }] },
          { type: 'function_call', name: 'abcd', arguments: 'abcd' },
        ],
        usage: { input_tokens: 9, output_tokens: 5, total_tokens: 14 },
      },
      { usage, outputTokensCounted: 4 },
    ],
    [
      'a failed response is a response',
      '/v1/responses',
      { object: 'response', status: 'failed', error: { message: 'x' }, output: [], usage: null },
      { usage: null, outputTokensCounted: 0 },
    ],
    [
      'messages',
      '/v1/messages',
      {
        type: 'message',
        content: [
          { type: 'thinking', thinking: 'abcd' },
          { type: 'text', text: 'abcd' },
          { type: 'tool_use', name: 'abcd', input: { a: 1 } },
        ],
        usage: { input_tokens: 4, cache_read_input_tokens: 5, output_tokens: 5 },
      },
      { usage: { ...usage, cachedInputTokens: 5 }, outputTokensCounted: 5 },
    ],
    [
      'counting tokens is free',
      '/v1/messages/count_tokens',
      { input_tokens: 99 },
      { usage: NO_USAGE, outputTokensCounted: 0 },
    ],
    [
      'tokenising is free',
      '/tokenize',
      { tokens: [1], count: 1 },
      { usage: NO_USAGE, outputTokensCounted: 0 },
    ],
    [
      'embeddings',
      '/v1/embeddings',
      { data: [], usage: { prompt_tokens: 9, total_tokens: 9 } },
      { usage: { ...usage, outputTokens: 0 }, outputTokensCounted: 0 },
    ],
    [
      'rerank',
      '/rerank',
      { results: [], usage: { total_tokens: 9 } },
      { usage: { ...usage, outputTokens: 0 }, outputTokensCounted: 0 },
    ],
    [
      'rerank, billed units',
      '/v2/rerank',
      { meta: { billed_units: { input_tokens: 9 } } },
      { usage: { ...usage, outputTokens: 0 }, outputTokensCounted: 0 },
    ],
    ['a bare list of scores', '/rerank', [{ index: 0 }], { usage: null, outputTokensCounted: 0 }],
    [
      'a transcript',
      '/v1/audio/transcriptions',
      { text: 'abcdefgh' },
      { usage: null, outputTokensCounted: 2 },
    ],
    [
      'subtitles',
      '/v1/audio/transcriptions',
      '1\n00:00 --> 00:01\nHi\n',
      { usage: null, outputTokensCounted: 6 },
    ],
    [
      'an image',
      '/v1/images/generations',
      {
        data: [{ b64_json: 'AAAA' }],
        usage: { input_tokens: 9, output_tokens: 5, total_tokens: 14 },
      },
      { usage: { ...usage, imageOutputTokens: 5 }, outputTokensCounted: 0 },
    ],
  ])('%s', (_name, path, body, facts) => {
    expect(readReply(path, body)).toEqual({ ...facts, isUsageSound: true });
  });
});

describe('large replies without text', () => {
  const vectors = Array.from({ length: 60_000 }, () => 0.125);

  test('only the usage is read', () => {
    const tail = '"usage" : {"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}}';
    const body = `{"data":[{"embedding":${JSON.stringify(vectors)}}],${tail}`;
    expect(body.length).toBeGreaterThan(256 * 1024 - 1);
    expect(readReply('/v1/embeddings', body).usage).toEqual({
      ...usage,
      cachedInputTokens: 4,
      outputTokens: 0,
    });
  });

  test('a quoted word in a string is not the usage', () => {
    const text = 'x'.repeat(300_000);
    const reply = { usage: { prompt_tokens: 9 }, text: `${text}"usage":{"prompt_tokens":1}` };
    expect(readReply('/v1/embeddings', reply).usage).toEqual({ ...usage, outputTokens: 0 });
  });

  test('without usage the whole reply is read', () => {
    expect(readReply('/v1/embeddings', { data: vectors })).toEqual({
      usage: null,
      isUsageSound: true,
      outputTokensCounted: 0,
    });
    const error = thrownBy(() =>
      readReply('/v1/embeddings', JSON.stringify({ data: vectors }).slice(1)),
    );
    expect(error.code).toBe('backend_protocol_error');
  });
});

describe('replies that are none', () => {
  const JSON_PATHS = [
    CHAT,
    '/v1/completions',
    '/v1/responses',
    '/v1/messages',
    '/v1/embeddings',
    '/v1/score',
  ];
  const cases = JSON_PATHS.flatMap((path) =>
    ['', '<html>Bad gateway</html>', '"text"', 'null', '{"choices":[{"mess'].map((body) => ({
      path,
      body,
    })),
  );

  test.each(cases)('$path $body', ({ path, body }) => {
    expect(thrownBy(() => readReply(path, body)).code).toBe('backend_protocol_error');
  });

  test.each(JSON_PATHS)('an error with a success status: %s', (path) => {
    for (const body of [
      { error: { message: 'boom' } },
      { error: 'boom' },
      { object: 'error', message: 'boom' },
    ]) {
      expect(thrownBy(() => readReply(path, body))).toMatchObject({
        code: 'backend_error',
        message: 'boom',
      });
    }
  });
});
