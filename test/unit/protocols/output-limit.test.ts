import { describe, expect, test } from 'vitest';
import { parseJsonBody, spliceJson } from '../../../src/protocols/json-body.ts';
import { JSON_CAPS } from '../../../src/protocols/json-scan.ts';
import { findRoute, ROUTES } from '../../../src/protocols/route.ts';
import type { ChatLimit, Wire } from '../../../src/protocols/wire.ts';

function wireOf(path: string): Wire {
  const found = findRoute('POST', path);
  if (typeof found === 'string') throw new Error(`no route for ${path}`);
  return found.route.wire;
}

/** The body that a backend gets when `tokens` is the most it may generate. */
function limited(path: string, text: string, tokens: number, member: ChatLimit): string {
  const body = parseJsonBody(Buffer.from(text), JSON_CAPS);
  const edits = wireOf(path).limitOutput?.(body, tokens, member) ?? [];
  return Buffer.from(spliceJson(body, edits)).toString();
}

describe('chat', () => {
  test.each<[string, string, ChatLimit, string]>([
    ['none set', '{"model":"m"}', 'max_tokens', '{"model":"m","max_tokens":100}'],
    [
      'none set, a model that knows the newer name alone',
      '{"model":"m"}',
      'max_completion_tokens',
      '{"model":"m","max_completion_tokens":100}',
    ],
    ['more is set', '{"max_tokens": 500, "n":1}', 'max_tokens', '{"max_tokens": 100, "n":1}'],
    [
      'more is set by the newer name',
      '{"max_completion_tokens":500}',
      'max_tokens',
      '{"max_completion_tokens":100}',
    ],
    [
      'what the caller used wins over what the backend prefers',
      '{"max_tokens":500}',
      'max_completion_tokens',
      '{"max_tokens":100}',
    ],
    [
      'both are set, both are more',
      '{"max_tokens":500,"max_completion_tokens":900}',
      'max_tokens',
      '{"max_tokens":100,"max_completion_tokens":100}',
    ],
    [
      'both are set, one is more',
      '{"max_tokens":50,"max_completion_tokens":900}',
      'max_tokens',
      '{"max_tokens":50,"max_completion_tokens":100}',
    ],
    ['less is set', '{"max_tokens":1e2}', 'max_tokens', '{"max_tokens":1e2}'],
    ['null is none', '{"max_tokens":null,"n":1}', 'max_tokens', '{"max_tokens":100,"n":1}'],
    [
      'null of the other name',
      '{"max_completion_tokens":null}',
      'max_tokens',
      '{"max_completion_tokens":null,"max_tokens":100}',
    ],
    [
      'everything else stays byte for byte',
      '{ "seed":12345678901234567890,\n"max_tokens" : 9999,\t"x":"\\u00e9é" }',
      'max_tokens',
      '{ "seed":12345678901234567890,\n"max_tokens" : 100,\t"x":"\\u00e9é" }',
    ],
  ])('%s', (_name, text, member, expected) => {
    expect(limited('/v1/chat/completions', text, 100, member)).toBe(expected);
  });
});

describe('the other protocols have one name each, whatever chat prefers', () => {
  test.each([
    ['/v1/completions', 'max_tokens'],
    ['/v1/responses', 'max_output_tokens'],
    ['/v1/messages', 'max_tokens'],
  ])('%s', (path, member) => {
    const chatMember = 'max_completion_tokens';
    expect(limited(path, '{"model":"m"}', 100, chatMember)).toBe(`{"model":"m","${member}":100}`);
    expect(limited(path, `{"${member}":101}`, 100, chatMember)).toBe(`{"${member}":100}`);
    expect(limited(path, `{"${member}":100}`, 100, chatMember)).toBe(`{"${member}":100}`);
  });
});

test('no limit can be stated where no text is generated', () => {
  const limits = ROUTES.filter(({ wire }) => wire.limitOutput !== undefined);
  expect(limits.map(({ path }) => path)).toEqual([
    '/v1/chat/completions',
    '/v1/completions',
    '/v1/responses',
    '/v1/messages',
  ]);
});

describe('sound and pictures, which nobody can limit', () => {
  const shape = (path: string, value: object) =>
    wireOf(path).readCall(parseJsonBody(Buffer.from(JSON.stringify(value)), JSON_CAPS));

  test('a picture may be as large as pictures get, each of them', () => {
    const call = shape('/v1/images/generations', { model: 'm', prompt: 'A cat.', n: 3 });
    expect(wireOf('/v1/images/generations').mediaTokensMax?.(call)).toBe(24_576);
    expect(call.choices).toBe(3);
  });

  test('speech grows with what is read out', () => {
    const call = shape('/v1/audio/speech', { model: 'm', input: 'a'.repeat(400) });
    expect(call.inputTokens).toBe(100);
    expect(wireOf('/v1/audio/speech').mediaTokensMax?.(call)).toBe(256 + 3_200);
  });

  test('everything else has text or no output', () => {
    const media = ROUTES.filter(({ wire }) => wire.mediaTokensMax !== undefined);
    expect(media.map(({ path }) => path)).toEqual([
      '/v1/images/generations',
      '/v1/images/edits',
      '/v1/images/variations',
      '/v1/audio/speech',
    ]);
    expect(media.some(({ wire }) => wire.producesText)).toBe(false);
  });

  test('a recording is estimated by its size', () => {
    const readForm = wireOf('/v1/audio/transcriptions').readForm;
    const form = (fileBytes: number) => ({
      bytes: new Uint8Array(),
      boundary: 'b',
      fields: new Map([['model', { start: 0, end: 0, value: 'm' }]]),
      fileBytes,
    });
    expect(readForm?.(form(10_000)).inputTokens).toBe(1_000);
    expect(readForm?.(form(25_000_000)).inputTokens).toBe(50_000);
  });
});
