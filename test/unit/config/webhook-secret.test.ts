import { expect, test } from 'vitest';
import { checkWebhookSecret } from '../../../src/config/webhook-secret.ts';

test.each([
  'b3JhbmdlLXRlYXBvdC00Mg==',
  '9f86d081884c7d65',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'correct horse battery staple',
])('%s may be used', (text) => {
  expect(() => checkWebhookSecret(text)).not.toThrow();
});

test.each([
  ['fifteen-letters', 'shorter than 16'],
  ['whsec_fifteen-letters', 'shorter than 16'],
  ['CHANGE-ME-CHANGE-ME', 'looks like a sample'],
  ['my-webhook-secret-1', 'looks like a sample'],
  ['your_key_goes_here', 'looks like a sample'],
  ['0123456789abcdef', 'looks like a sample'],
  ['aaaaaaaaaaaaaaaaaaaaaaaa', 'looks like a sample'],
])('%s is refused, and not repeated', (text, message) => {
  expect(() => checkWebhookSecret(text)).toThrow(message);
  expect(() => checkWebhookSecret(text)).not.toThrow(text);
});
