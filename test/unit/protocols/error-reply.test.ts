import OpenAI, { APIError } from 'openai';
import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode, GateError } from '../../../src/core/error.ts';
import { anthropicType, renderErrorBody } from '../../../src/protocols/error-reply.ts';
import { renderModel, renderModelList } from '../../../src/protocols/model-list.ts';
import { ROUTES } from '../../../src/protocols/route.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** The official client, with `reply` for whatever it asks. */
function clientFor(reply: () => Response): OpenAI {
  const fetch = async () => reply();
  return new OpenAI({ apiKey: 'none', baseURL: 'http://gate.invalid/v1', maxRetries: 0, fetch });
}

function streamOf(...parts: readonly (string | Uint8Array)[]): Response {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

async function drain(stream: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _event of stream) count += 1;
  return count;
}

describe('bodies', () => {
  test.each(CODES)('OpenAI: %s has all four keys', (code) => {
    const error = new GateError(code, 'It "failed".\n', { param: 'model' });
    expect(JSON.parse(renderErrorBody('openai', error, 'req_1'))).toEqual({
      error: { message: 'It "failed".\n', type: ERRORS[code].type, param: 'model', code },
    });
    const bare = JSON.parse(renderErrorBody('openai', new GateError(code, 'x'), 'req_1'));
    expect(bare.error.param).toBeNull();
  });

  test.each(CODES)('Anthropic: %s', (code) => {
    expect(JSON.parse(renderErrorBody('anthropic', new GateError(code, 'x'), 'req_1'))).toEqual({
      type: 'error',
      error: { type: anthropicType(ERRORS[code].status), message: 'x' },
      request_id: 'req_1',
    });
  });

  test.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [405, 'invalid_request_error'],
    [413, 'request_too_large'],
    [415, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [431, 'invalid_request_error'],
    [500, 'api_error'],
    [502, 'api_error'],
    [503, 'overloaded_error'],
    [504, 'timeout_error'],
    [529, 'overloaded_error'],
  ])('Anthropic: %i is %s', (status, type) => {
    expect(anthropicType(status)).toBe(type);
  });

  test("OpenAI's client reads message, type, param and code", async () => {
    const error = new GateError('model_not_found', 'No such model.', { param: 'model' });
    const body = renderErrorBody('openai', error, 'req_1');
    const client = clientFor(() => Response.json(JSON.parse(body), { status: 404 }));
    await expect(client.models.retrieve('x')).rejects.toMatchObject({
      status: 404,
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: 'model',
    });
  });
});

describe('frames', () => {
  const broken = new GateError('backend_stream_broken', 'The backend "stopped".\nMidway.');

  test('hold one event and no terminal, on every route', () => {
    for (const { wire } of ROUTES) {
      const text = Buffer.from(wire.renderErrorFrame(broken, 'req_1')).toString();
      expect(text).toMatch(/^(?:event: error\n)?data: [^\n]*\n\n$/);
      expect(text).toContain(String.raw`The backend \"stopped\".\nMidway.`);
      expect(text).not.toContain('[DONE]');
    }
  });

  test("every wire's own reader takes its frame for a fault", () => {
    for (const { wire } of ROUTES) {
      const step = wire
        .openStream({ usageRequested: false })
        .push(wire.renderErrorFrame(broken, 'req_1'));
      expect(step).toMatchObject({ forward: null, end: null, fault: { code: 'backend_error' } });
      expect(step.fault?.message).toBe('The backend "stopped". Midway.');
    }
  });

  const wireAt = (path: string) => {
    const route = ROUTES.find((other) => other.path === path);
    if (route === undefined) throw new Error(`no route ${path}`);
    return route.wire;
  };

  test("OpenAI's client raises in a chat stream", async () => {
    const frame = wireAt('/v1/chat/completions').renderErrorFrame(broken, 'req_1');
    const first = 'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n';
    const stream = await clientFor(() => streamOf(first, frame)).chat.completions.create({
      model: 'm',
      messages: [],
      stream: true,
    });
    const error = await drain(stream).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'backend_stream_broken', type: 'server_error' });
  });

  test("OpenAI's client raises in a response stream", async () => {
    const frame = wireAt('/v1/responses').renderErrorFrame(broken, 'req_1');
    const first = 'event: response.created\ndata: {"type":"response.created","response":{}}\n\n';
    const stream = await clientFor(() => streamOf(first, frame)).responses.create({
      model: 'm',
      input: 'x',
      stream: true,
    });
    const error = await drain(stream).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'backend_stream_broken', type: 'server_error' });
  });
});

describe('model lists', () => {
  const models = [
    {
      id: 'a/b',
      ownedBy: 'llmgate',
      createdAtMs: 1_790_000_000_123,
      contextTokens: 8192,
      maxOutputTokens: 1024,
    },
    { id: 'c', ownedBy: 'llmgate' },
  ];

  test('carry what both protocols require', () => {
    const list = JSON.parse(renderModelList(models));
    expect(list).toMatchObject({ object: 'list', has_more: false, first_id: 'a/b', last_id: 'c' });
    expect(list.data[0]).toEqual({
      id: 'a/b',
      object: 'model',
      type: 'model',
      display_name: 'a/b',
      created: 1_790_000_000,
      created_at: '2026-09-21T14:13:20.123Z',
      owned_by: 'llmgate',
      max_model_len: 8192,
      max_input_tokens: 8192,
      max_tokens: 1024,
    });
    expect(list.data[1]).toMatchObject({ created: 0, created_at: '1970-01-01T00:00:00.000Z' });
    expect(JSON.parse(renderModelList([]))).toMatchObject({
      data: [],
      first_id: null,
      last_id: null,
    });
  });

  test("OpenAI's client lists and finds models", async () => {
    const headers = { 'content-type': 'application/json' };
    const lists = clientFor(() => new Response(renderModelList(models), { headers }));
    const ids: string[] = [];
    for await (const model of lists.models.list()) ids.push(model.id);
    expect(ids).toEqual(['a/b', 'c']);
    const [first] = models;
    if (first === undefined) throw new Error('no model');
    const one = clientFor(() => new Response(renderModel(first), { headers }));
    expect((await one.models.retrieve('a/b')).created).toBe(1_790_000_000);
  });
});
