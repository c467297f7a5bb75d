import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { createWebhookSink } from '../../../src/sinks/webhook-sink.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { type ReceivedRequest, startHttpReceiver } from '../../support/http-receiver.ts';
import { aBatch } from '../../support/some-records.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** What docs/export.md tells a receiver to do. */
function isSigned({ headers, body }: ReceivedRequest): boolean {
  const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${body}`;
  const expected = createHmac('sha256', key).update(signed).digest('base64');
  return headers.get('webhook-signature') === `v1,${expected}`;
}

function openSink(url: string, time = createFakeTime()) {
  const parts = { ...time, installId: 'box-1' };
  return createWebhookSink({ id: 'hook', url, secret: SECRET }, parts);
}

test('a batch is one signed POST that a receiver can tell from all others', async () => {
  await using receiver = startHttpReceiver();
  const batch = aBatch(7, 9);
  await openSink(receiver.url).write(batch, new AbortController().signal);
  const [request] = receiver.requests;
  if (request === undefined) throw new Error('nothing arrived');
  expect(isSigned(request)).toBe(true);
  expect(isSigned({ ...request, body: request.body.replace('Zoë', 'Zoe') })).toBe(false);
  expect(request.headers.get('content-type')).toBe('application/json');
  expect(request.headers.get('webhook-id')).toBe('box-1_requests_7-9');
  expect(request.headers.get('webhook-timestamp')).toBe('1794997800');
  expect(JSON.parse(request.body)).toEqual({
    type: 'audit.batch',
    timestamp: '2026-11-18T10:30:00.009Z',
    data: {
      chain: 'requests',
      first_seq: 7,
      last_seq: 9,
      count: 3,
      records: batch.records.map(({ line }) => JSON.parse(line)),
    },
  });
});

test('a repeat has the same id and the same bytes, and a signature of its own time', async () => {
  const time = createFakeTime();
  await using receiver = startHttpReceiver();
  const sink = openSink(receiver.url, time);
  await sink.write(aBatch(1, 2), new AbortController().signal);
  await time.advance(60_000);
  await sink.write(aBatch(1, 2), new AbortController().signal);
  const [first, second] = receiver.requests;
  if (first === undefined || second === undefined) throw new Error('two were sent');
  expect(second.body).toBe(first.body);
  expect(second.headers.get('webhook-id')).toBe(first.headers.get('webhook-id'));
  expect(second.headers.get('webhook-signature')).not.toBe(first.headers.get('webhook-signature'));
  expect(isSigned(second)).toBe(true);
});
