import { expect, test } from 'vitest';
import { parseWebhookSecret, toWebhookHeaders } from '../../../src/sinks/webhook-signature.ts';

test('the example of the Standard Webhooks libraries', () => {
  const secret = parseWebhookSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const message = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestampSeconds: 1614265330,
    body: '{"test": 2432232314}',
  };
  expect(toWebhookHeaders(message, secret)).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test.each([
  ['whsec_AAEC', [0, 1, 2]],
  ['whsec_AAE=', [0, 1]],
  ['plain', [112, 108, 97, 105, 110]],
  ['ü', [195, 188]],
])('%s is these bytes', (secret, bytes) => {
  expect([...parseWebhookSecret(secret)]).toEqual(bytes);
});

test.each(['whsec_', 'whsec_not base64', 'whsec_a-b_', 'whsec_AAECA'])(
  '%s is refused, unrepeated',
  (secret) => {
    const refuse = () => parseWebhookSecret(secret);
    expect(refuse).toThrow('whsec_ must go on in base64');
    if (secret.length > 6) expect(refuse).not.toThrow(secret.slice(6));
  },
);
