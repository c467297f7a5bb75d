import { afterEach, beforeEach, expect, test } from 'vitest';
import { collect, SendFailureError } from '../../../../src/backends/http1/collect.ts';
import { parseOrigin } from '../../../../src/backends/origin.ts';
import { type ClientLab, LAB_DEADLINES, openClientLab } from '../../../support/client-lab.ts';

let lab: ClientLab;
beforeEach(() => {
  lab = openClientLab();
});
afterEach(() => lab.close());

const get = (url: string, maxBytes: number, path = '/') =>
  collect(
    lab.client,
    {
      origin: parseOrigin(url),
      method: 'GET',
      path,
      headers: [],
      body: null,
      deadlines: LAB_DEADLINES,
    },
    maxBytes,
  );

test('the whole reply, up to the bound', async () => {
  const backend = await lab.backend();
  const reply = get(backend.url, 6);
  const peer = await backend.next();
  peer.write('HTTP/1.1 503 No\r\nRetry-After: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nfoo\r\n');
  peer.write('3\r\nbar\r\n0\r\n\r\n');
  const { status, headers, body } = await reply;
  expect([status, headers.get('retry-after'), body.toString()]).toEqual([503, '3', 'foobar']);
});

test('one byte over the bound closes the connection and rejects', async () => {
  const backend = await lab.backend();
  const reply = get(backend.url, 6);
  const peer = await backend.next();
  peer.write('HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nfoobar!');
  await expect(reply).rejects.toThrow(/more than 6 bytes/);
  expect(await peer.gone).toBe('reset');
});

test('a failure rejects with what is known about it', async () => {
  const backend = await lab.backend();
  const reply = get(backend.url, 6);
  const peer = await backend.next();
  await peer.expect('\r\n\r\n');
  peer.reset();
  const error = await reply.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(SendFailureError);
  expect(error).toMatchObject({ failure: { stage: 'sent_nothing_read', cause: 'reset' } });
});

test('a request that cannot be written rejects too', async () => {
  await expect(async () => get('http://127.0.0.1:9', 6, '/a b')).rejects.toThrow('forbidden');
});
