import { expect, test } from 'vitest';
import { GateError } from '../../../src/core/error.ts';
import {
  errorWithoutSecrets,
  repeatsRequest,
  withoutSecrets,
} from '../../../src/gateway/backend-words.ts';

test('credentials are struck out wherever they are, the longer before the shorter', () => {
  const secrets = ['sk-backend-longer', 'sk-backend'];
  expect(withoutSecrets('key sk-backend, key sk-backend-longer', secrets)).toBe('key ***, key ***');
  expect(withoutSecrets('nothing of it', secrets)).toBe('nothing of it');
});

test('an error keeps everything but the credential', () => {
  const error = new GateError('invalid_request', 'bad key sk-backend', {
    cause: new Error('why'),
    param: 'model',
    retryAfterMs: 7,
  });
  const told = errorWithoutSecrets(error, ['sk-backend']);
  expect(told).toMatchObject({ ...error, message: 'bad key ***' });
  expect(told.cause).toBe(error.cause);
  expect(errorWithoutSecrets(error, ['other'])).toBe(error);
});

const model = 'meta-llama/Llama-3.3-70B-Instruct';
const PROMPT = 'My mother’s maiden name is Kowalski, and the safe is 7-1-9.';
const body = Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content: PROMPT }] }));

test.each([
  ['the whole prompt', `cannot parse: ${PROMPT}`, true],
  ['a part of it', 'backend answered 500: near "is Kowalski, and the sa"', true],
  ['the model by its name', `The model ${model} does not exist`, false],
  ['words of its own', 'CUDA out of memory. Tried to allocate 2.00 GiB', false],
  ['less than anybody could use', 'near "Kowalski"', false],
])('%s', (_name, words, repeats) => {
  expect(repeatsRequest(words, { body, model })).toBe(repeats);
});

test('a request without a body cannot be repeated', () => {
  expect(repeatsRequest('anything at all, really', { body: null, model: '' })).toBe(false);
});

test('a request that is too long to be searched is taken to be repeated', () => {
  const long = new Uint8Array(1024 * 1024 + 1).fill(0x78);
  expect(repeatsRequest('out of memory', { body: long, model: 'm' })).toBe(true);
  expect(repeatsRequest('out of memory', { body: long.subarray(1), model: 'm' })).toBe(false);
});
