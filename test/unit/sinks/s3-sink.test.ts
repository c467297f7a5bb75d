import { expect, test } from 'vitest';
import { createS3Sink, toObjectKey } from '../../../src/sinks/s3-sink.ts';
import { startFakeS3 } from '../../support/fake-s3.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { aBatch, toLines } from '../../support/some-records.ts';

const SECRET = 'a/secret+access=key';

function openSink(endpoint: string, change: { secretAccessKey?: string; prefix?: string } = {}) {
  const config = {
    id: 's3',
    endpoint,
    region: 'eu-central-1',
    bucket: 'audit',
    prefix: 'box 1/ä+b',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: SECRET,
    ...change,
  };
  return createS3Sink(config, { ...createFakeTime(), installId: 'box-1' });
}

const signal = new AbortController().signal;

test('a batch becomes one signed object, and again the same', async () => {
  await using s3 = startFakeS3(SECRET);
  const sink = openSink(s3.receiver.url);
  const batch = aBatch(1, 3);
  await sink.write(batch, signal);
  await sink.write(batch, signal);
  expect(s3.receiver.requests).toHaveLength(2);
  expect([...s3.objects]).toEqual([
    ['audit/box 1/ä+b/requests/2026/11/18/000000000001-000000000003.jsonl', toLines(batch)],
  ]);
});

test('a wrong secret is a failure that does not repeat it', async () => {
  await using s3 = startFakeS3(SECRET);
  const writing = openSink(s3.receiver.url, { secretAccessKey: 'other' }).write(
    aBatch(1, 1),
    signal,
  );
  await expect(writing).rejects.toThrow(/^answered HTTP 403$/);
  expect(s3.objects.size).toBe(0);
});

test.each([
  ['', 'admin_events/2026/11/18/000000000005-000000000005.jsonl'],
  ['a', 'a/admin_events/2026/11/18/000000000005-000000000005.jsonl'],
  ['a/b/', 'a/b/admin_events/2026/11/18/000000000005-000000000005.jsonl'],
])('the prefix %j gives %s', (prefix, key) => {
  expect(toObjectKey(prefix, aBatch(5, 5, 'admin_events'))).toBe(key);
});
