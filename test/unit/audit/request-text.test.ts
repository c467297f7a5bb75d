import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { FIRST_PREVIOUS_HASH, nextHash } from '../../../src/audit/chain.ts';
import { toEventText } from '../../../src/audit/event-text.ts';
import {
  toAttemptsText,
  toDimensionWords,
  toEndingWords,
  toRequestText,
} from '../../../src/audit/request-text.ts';

// Others verify by this text, so it never changes: docs/audit.md has it line by line.

const ROW = {
  seq: 7,
  idHex: '019a9f3c1f5e7c2a9b1d0a1b2c3d4e5f',
  dimensionWords: toDimensionWords({
    key: '4fWq0TzLmN8x',
    user: 'a "b"\nc',
    team: null,
    tenant: null,
    tags: { env: 'é' },
    model: 'small',
    backend: 'gpu0',
    endpoint: 'chat',
  }),
  endingWords: toEndingWords({
    outcome: 'served',
    code: null,
    usageSource: 'reported',
    estimated: false,
    streamed: true,
    status: 200,
  }),
  startedAtMs: 1_763_600_000_000,
  durationMs: 250,
  ttftUs: 12_500,
  backendUs: null,
  usage: {
    inputTokens: 1,
    cachedInputTokens: 2,
    cacheWriteTokens: 3,
    audioInputTokens: 4,
    imageInputTokens: 5,
    outputTokens: 6,
    reasoningTokens: 7,
    audioOutputTokens: 8,
    imageOutputTokens: 9,
  },
  gpuUs: 10,
  price: '{"input":1}',
  costNanoUsd: null,
  attempts: 2,
  contentRefHex: '',
  attemptsText: toAttemptsText([
    {
      attempt: 1,
      backend: 'gpu1',
      startedAtMs: 5,
      durationUs: 6,
      code: 'backend_error',
      status: 500,
    },
    { attempt: 2, backend: 'gpu0', startedAtMs: 7, durationUs: 8, code: null, status: null },
  ]),
};

test('the text of a request', () => {
  expect(toRequestText(ROW).split('\n')).toEqual([
    '7',
    '019a9f3c1f5e7c2a9b1d0a1b2c3d4e5f',
    String.raw`["4fWq0TzLmN8x","a \"b\"\nc",null,null,{"env":"é"},"small","gpu0","chat"]`,
    '["served",null,"reported",false,true,200]',
    '1763600000000',
    '250',
    '12500',
    '',
    ...['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    '10',
    '{"input":1}',
    '',
    '2',
    '',
    '[[1,"gpu1",5,6,"backend_error",500],[2,"gpu0",7,8,null,null]]',
  ]);
});

test('the text of an event', () => {
  const event = {
    seq: 3,
    atMs: 9,
    actor: 'alice@box',
    origin: 'admin socket',
    action: 'key.update',
    target: '4fWq0TzLmN8x',
    before: null,
    after: '{"rpm":60}',
  };
  const lines = ['3', '9', '"alice@box"', '"admin socket"', '"key.update"', '"4fWq0TzLmN8x"', ''];
  expect(toEventText(event)).toBe([...lines, '{"rpm":60}'].join('\n'));
});

test('the hash is SHA-256 of the hash before, a line break and the text', () => {
  const text = toRequestText(ROW);
  const expected = createHash('sha256')
    .update(`${'0'.repeat(64)}\n${text}`, 'utf8')
    .digest('hex');
  expect(nextHash(FIRST_PREVIOUS_HASH, text)).toBe(expected);
  expect(expected).toBe('d969d31f7317c6a4cb85e78421dcb7a22a9c6d38c38df9cc47e6ce936f11ea7f');
});

test('no attempts are an empty line', () => {
  expect(toAttemptsText([])).toBe('');
});
