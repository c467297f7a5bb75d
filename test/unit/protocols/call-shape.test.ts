import { describe, expect, test } from 'vitest';
import { parseJsonBody } from '../../../src/protocols/json-body.ts';
import { JSON_CAPS } from '../../../src/protocols/json-scan.ts';
import { findRoute } from '../../../src/protocols/route.ts';
import type { CallShape } from '../../../src/protocols/wire.ts';
import { thrownBy } from '../../support/thrown.ts';

const CHAT = '/v1/chat/completions';
const MESSAGES = [{ role: 'user', content: 'Hi.' }];

/** `body` as text where JSON.stringify could not write it. */
function readCall(path: string, body: object | string): CallShape {
  const found = findRoute('POST', path);
  if (typeof found === 'string') throw new Error(`no route for ${path}`);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return found.route.wire.readCall(parseJsonBody(new TextEncoder().encode(text), JSON_CAPS));
}

const chat = (fields: object) => readCall(CHAT, { model: 'm', messages: MESSAGES, ...fields });

describe('what the gateway refuses', () => {
  const base = `"model":"m","messages":[{"role":"user","content":"x"}]`;
  test.each([
    ['model absent', `{"messages":[]}`, 'model'],
    ['model empty', `{${base.replace('"m"', '""')}}`, 'model'],
    ['model a number', `{${base.replace('"m"', '7')}}`, 'model'],
    ['stream "true"', `{${base},"stream":"true"}`, 'stream'],
    ['stream 1', `{${base},"stream":1}`, 'stream'],
    ['stream_options without stream', `{${base},"stream_options":{}}`, 'stream_options'],
    [
      'stream_options, stream false',
      `{${base},"stream":false,"stream_options":{}}`,
      'stream_options',
    ],
    ['stream_options a text', `{${base},"stream":true,"stream_options":"x"}`, 'stream_options'],
    [
      'include_usage a text',
      `{${base},"stream":true,"stream_options":{"include_usage":"yes"}}`,
      'stream_options.include_usage',
    ],
    ['max_tokens -1', `{${base},"max_tokens":-1}`, 'max_tokens'],
    ['max_tokens 0', `{${base},"max_tokens":0}`, 'max_tokens'],
    ['max_tokens 1e400', `{${base},"max_tokens":1e400}`, 'max_tokens'],
    ['max_tokens 2^53+1', `{${base},"max_tokens":9007199254740993}`, 'max_tokens'],
    ['max_tokens a text', `{${base},"max_tokens":"10"}`, 'max_tokens'],
    ['max_tokens half', `{${base},"max_tokens":1.5}`, 'max_tokens'],
    ['max_completion_tokens 0', `{${base},"max_completion_tokens":0}`, 'max_completion_tokens'],
    ['max_tokens by a second name', `{${base},"max_tokens":1,"n_predict":9999}`, 'n_predict'],
    ['n by a second name', `{${base},"n_cmpl":100}`, 'n_cmpl'],
    ['n 0', `{${base},"n":0}`, 'n'],
    ['n 129', `{${base},"n":129}`, 'n'],
    ['n a million', `{${base},"n":1000000}`, 'n'],
    ['n a text', `{${base},"n":"2"}`, 'n'],
    ['messages absent', `{"model":"m"}`, 'messages'],
    ['messages empty', `{"model":"m","messages":[]}`, 'messages'],
    ['messages a text', `{"model":"m","messages":"hi"}`, 'messages'],
    ['a message a text', `{"model":"m","messages":["hi"]}`, 'messages[0]'],
    [
      'a role unknown',
      `{"model":"m","messages":[{"role":"user"},{"role":"root"}]}`,
      'messages[1].role',
    ],
    ['a role absent', `{"model":"m","messages":[{"content":"x"}]}`, 'messages[0].role'],
  ])('%s', (_name, body, param) => {
    expect(thrownBy(() => readCall(CHAT, body))).toMatchObject({ code: 'invalid_request', param });
  });

  test('100,000 messages', () => {
    const messages = Array.from({ length: 100_000 }, () => ({ role: 'user' }));
    const error = thrownBy(() => readCall(CHAT, JSON.stringify({ model: 'm', messages })));
    // The cap on members may come first; either way it is the caller's mistake, found cheaply.
    expect(['invalid_json', 'invalid_request']).toContain(error.code);
    expect(thrownBy(() => chat({ messages: messages.slice(0, 10_001) })).param).toBe('messages');
  });

  test.each([['x'.repeat(10_000)], ['a\u0000b'], ['\u001b]52;c;x\u0007'], ['x'.repeat(257)]])(
    'a name that no model can have is an unknown model (%#)',
    (model) => {
      const error = thrownBy(() => chat({ model }));
      expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
      expect(error.message.length).toBeLessThan(250);
    },
  );

  test.each([
    ['/v1/messages', { model: 'm', messages: MESSAGES }, 'max_tokens'],
    [
      '/v1/messages',
      { model: 'm', max_tokens: 1, messages: [{ role: 'tool' }] },
      'messages[0].role',
    ],
    ['/v1/messages', { model: 'm', max_tokens: 0, messages: MESSAGES }, 'max_tokens'],
    ['/v1/messages', { model: 'm', max_tokens: 1, stream: 'x', messages: MESSAGES }, 'stream'],
    ['/v1/messages/count_tokens', { model: 'm', messages: [] }, 'messages'],
    ['/v1/responses', { model: 'm', input: 'x', background: true }, 'background'],
    ['/v1/responses', { model: 'm', input: 'x', n_predict: 9 }, 'n_predict'],
    ['/v1/completions', { model: 'm', prompt: 'x', n_predict: 9 }, 'n_predict'],
    ['/v1/messages', { model: 'm', max_tokens: 1, messages: MESSAGES, n_predict: 9 }, 'n_predict'],
    ['/v1/responses', { model: 'm', input: 'x', max_output_tokens: -1 }, 'max_output_tokens'],
    ['/v1/completions', { model: 'm', prompt: 'x', best_of: 129 }, 'best_of'],
    ['/v1/completions', { model: 'm', prompt: 'x', stream_options: {} }, 'stream_options'],
    ['/v1/embeddings', { input: 'x' }, 'model'],
    ['/v1/rerank', { query: 'x', documents: [] }, 'model'],
    ['/v1/images/generations', { model: 'm', prompt: 'x', n: 0 }, 'n'],
    ['/v1/images/generations', { model: 'm', prompt: 'x', stream: 'true' }, 'stream'],
    ['/tokenize', { prompt: 'x' }, 'model'],
  ])('%s %j', (path, body, param) => {
    expect(thrownBy(() => readCall(path, body))).toMatchObject({ code: 'invalid_request', param });
  });
});

describe('what is read', () => {
  test('null is absent', () => {
    const call = chat({
      stream: null,
      stream_options: null,
      max_tokens: null,
      n: null,
      temperature: null,
    });
    expect(call).toMatchObject({ stream: false, maxOutputTokens: null, choices: 1, edits: [] });
  });

  test('every role of the protocol', () => {
    const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function'];
    expect(chat({ messages: roles.map((role) => ({ role })) }).model).toBe('m');
  });

  test('of two bounds on the output the larger holds', () => {
    expect(chat({ max_tokens: 10, max_completion_tokens: 20 }).maxOutputTokens).toBe(20);
    expect(chat({ max_completion_tokens: 20 }).maxOutputTokens).toBe(20);
    expect(chat({ max_tokens: 10 }).maxOutputTokens).toBe(10);
  });

  test('usage is asked for in every stream, and other stream options survive', () => {
    expect(chat({ stream: true })).toMatchObject({
      usageRequested: false,
      edits: [{ member: 'stream_options', json: '{"include_usage":true}' }],
    });
    const options = { include_obfuscation: false, include_usage: false };
    expect(chat({ stream: true, stream_options: options })).toMatchObject({
      usageRequested: false,
      edits: [{ json: '{"include_obfuscation":false,"include_usage":true}' }],
    });
    expect(chat({ stream: true, stream_options: { include_usage: true } })).toMatchObject({
      usageRequested: true,
      edits: [],
    });
  });

  test.each([
    [{ n: 3 }, 3],
    [{ n: 2, best_of: 5 }, 5],
    [{ prompt: ['a', 'b'], n: 2 }, 4],
    [{ prompt: [[1], [2], [3]] }, 3],
    [{ prompt: [1, 2, 3] }, 1],
    [{ prompt: [] }, 1],
  ])('completions: answers of %j', (fields, choices) => {
    const body = { model: 'm', prompt: 'x', ...fields };
    expect(readCall('/v1/completions', body).choices).toBe(choices);
  });

  test.each([
    ['/v1/embeddings', { stream: true }, false],
    ['/v1/rerank', { stream: true }, false],
    ['/v1/images/generations', { stream: true }, true],
    ['/v1/audio/speech', { stream_format: 'sse' }, true],
    ['/v1/audio/speech', { stream_format: 'audio' }, false],
    ['/v1/responses', { stream: true }, true],
  ])('%s with %j is a stream: %s', (path, fields, stream) => {
    expect(readCall(path, { model: 'm', input: 'x', ...fields }).stream).toBe(stream);
  });
});

describe('the estimate of the input', () => {
  const long = 'word '.repeat(800);
  test.each<[string, string, object, number]>([
    ['a text', CHAT, { messages: [{ role: 'user', content: long }] }, 1004],
    [
      'text parts',
      CHAT,
      { messages: [{ role: 'user', content: [{ type: 'text', text: long }] }] },
      1004,
    ],
    ['messages each cost a little', CHAT, { messages: [...MESSAGES, ...MESSAGES] }, 10],
    [
      'an image, whatever its size',
      CHAT,
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${long}` } }],
          },
        ],
      },
      1004,
    ],
    [
      'sound',
      CHAT,
      {
        messages: [
          { role: 'user', content: [{ type: 'input_audio', input_audio: { data: long } }] },
        ],
      },
      1004,
    ],
    [
      'tool arguments of an earlier turn',
      CHAT,
      {
        messages: [
          { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: long } }] },
        ],
      },
      1005,
    ],
    ['tools by their size', CHAT, { messages: MESSAGES, tools: [{ x: long }] }, 1008],
    ['a prompt', '/v1/completions', { prompt: long }, 1000],
    ['prompts', '/v1/completions', { prompt: [long, long] }, 2000],
    ['token ids are exact', '/v1/completions', { prompt: [[1, 2, 3], [4]] }, 4],
    ['one list of token ids', '/v1/embeddings', { input: [1, 2, 3, 4, 5] }, 5],
    ['texts to embed', '/v1/embeddings', { input: [long, 'a'] }, 1001],
    [
      'a document to rank is read with the query',
      '/v1/rerank',
      { query: 'abcd', documents: ['efgh', 'ijkl'] },
      4,
    ],
    ['scores', '/score', { text_1: 'abcd', text_2: ['efgh', 'ijkl', 'mnop'] }, 6],
    ['a text for Responses', '/v1/responses', { input: long, instructions: long }, 2000],
    [
      'items for Responses',
      '/v1/responses',
      { input: [{ role: 'user', content: [{ type: 'input_text', text: long }] }] },
      1004,
    ],
    [
      'system, and a tool result inside content',
      '/v1/messages',
      {
        max_tokens: 1,
        system: long,
        messages: [
          {
            role: 'user',
            content: [{ type: 'tool_result', content: [{ type: 'text', text: long }] }],
          },
        ],
      },
      2004,
    ],
    [
      'a document with its text inside',
      '/v1/messages',
      {
        max_tokens: 1,
        messages: [
          { role: 'user', content: [{ type: 'document', source: { type: 'text', data: long } }] },
          { role: 'user', content: [{ type: 'document', source: { type: 'base64', data: long } }] },
        ],
      },
      2008,
    ],
    ['counting is free', '/v1/messages/count_tokens', { messages: MESSAGES }, 0],
    ['so is tokenising', '/tokenize', { prompt: long }, 0],
  ])('%s', (_name, path, body, tokens) => {
    expect(readCall(path, { model: 'm', ...body }).inputTokens).toBe(tokens);
  });
});
