import { describe, expect, test } from 'vitest';
import { type BackendError, readBackendError } from '../../../src/protocols/backend-error.ts';
import { readModelList } from '../../../src/protocols/model-discovery.ts';
import { thrownBy } from '../../support/thrown.ts';

const bytes = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const NONE: BackendError = { message: null, type: null, code: null, param: null };

describe('readBackendError', () => {
  test.each<[string, unknown, Partial<BackendError>]>([
    [
      'OpenAI',
      { error: { message: 'No.', type: 'invalid_request_error', code: 'bad', param: 'n' } },
      { message: 'No.', type: 'invalid_request_error', code: 'bad', param: 'n' },
    ],
    ['Ollama', { error: 'model not found' }, { message: 'model not found' }],
    [
      'Ollama, with a type beside',
      { error: 'no', type: 'api_error' },
      { message: 'no', type: 'api_error' },
    ],
    [
      'vLLM, flat',
      { object: 'error', message: 'No.', type: 'BadRequestError', param: null, code: 400 },
      { message: 'No.', type: 'BadRequestError', code: '400' },
    ],
    ['TGI', { error: 'Input too long', error_type: 'validation' }, { message: 'Input too long' }],
    ['FastAPI, a text', { detail: 'Not Found' }, { message: 'Not Found' }],
    [
      'FastAPI, a list',
      { detail: [{ type: 'missing', loc: ['body', 'messages', 0], msg: 'Field required' }] },
      { message: 'Field required', type: 'missing', param: 'messages.0' },
    ],
    [
      'Anthropic',
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      { message: 'Overloaded', type: 'overloaded_error' },
    ],
    ['plain text', 'upstream connect error\n', { message: 'upstream connect error' }],
    ['a JSON text', '"no"', { message: 'no' }],
    ['HTML', '<html><body>502</body></html>', {}],
    ['nothing', '', {}],
    ['a number', '5', {}],
    ['wrong types', { error: { message: 5, type: [], code: {}, param: false } }, {}],
    ['null', { error: null }, {}],
  ])('%s', (_name, body, expected) => {
    expect(readBackendError(bytes(body))).toEqual({ ...NONE, ...expected });
  });

  test('is bounded and neutral', () => {
    const hostile = '\u001b]52;c;AAAA\u0007\u009b31m\u202e \u200d';
    const { message, code } = readBackendError(
      bytes({ error: { message: hostile + 'x'.repeat(9_000), code: 'y'.repeat(9_000) } }),
    );
    expect(message).toMatch(/^\]52;c;AAAA 31m +x+…$/);
    expect(message?.length).toBe(500);
    expect(code?.length).toBe(100);
    expect(readBackendError(Buffer.alloc(10_000_000, 'z')).message?.length).toBe(500);
    expect(readBackendError(Uint8Array.of(0xff, 0xfe, 0x00))).toMatchObject({ type: null });
  });
});

describe('readModelList', () => {
  test.each<[string, unknown, [string, number | null][]]>([
    ['vLLM', { object: 'list', data: [{ id: 'a/b', max_model_len: 4096 }] }, [['a/b', 4096]]],
    [
      'llama.cpp',
      { models: [{ name: 'x' }], data: [{ id: 'a', meta: { n_ctx: 512 } }] },
      [['a', 512]],
    ],
    ['Ollama', { models: [{ name: 'a:1b', model: 'a:1b' }] }, [['a:1b', null]]],
    ['Ollama without models', { object: 'list', data: null }, []],
    [
      'a bare list',
      [{ id: 'a' }, 'b'],
      [
        ['a', null],
        ['b', null],
      ],
    ],
    ['twice the same', { data: [{ id: 'a' }, { id: 'a' }] }, [['a', null]]],
    [
      'names that cannot be',
      {
        data: [
          { id: 5 },
          { id: '' },
          { id: 'a\u0000' },
          null,
          { id: 'x'.repeat(300) },
          { id: 'b', max_model_len: -1 },
        ],
      },
      [['b', null]],
    ],
  ])('%s', (_name, body, expected) => {
    expect(readModelList(bytes(body)).map((model) => [model.id, model.contextTokens])).toEqual(
      expected,
    );
  });

  test('is bounded', () => {
    const data = Array.from({ length: 20_000 }, (_, index) => ({ id: `m${index}` }));
    expect(readModelList(bytes({ data }))).toHaveLength(10_000);
  });

  test.each(['', '<html>', '{}', '5', '{"data":5}', '{"error":"x"}'])('no list: %j', (body) => {
    expect(thrownBy(() => readModelList(bytes(body))).code).toBe('backend_protocol_error');
  });
});
