import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBackend, currentHeaders } from '../../../src/backends/backend.ts';
import { createSender, type SendOverrides } from '../../../src/backends/sender.ts';
import { type ClientLab, LAB_DEADLINES, openClientLab } from '../../support/client-lab.ts';
import { createRecordingReader } from '../../support/recording-reader.ts';

let lab: ClientLab;
beforeEach(() => {
  lab = openClientLab();
});
afterEach(async () => {
  expect(await lab.close()).toEqual([]);
});

const SPEC = { id: 'cloud', type: 'openai', discover: false, apiKeys: [], headers: [] };
const TARGET = { backend: 'cloud' };
const REQUEST = { method: 'POST', path: '/v1/chat', headers: [], body: null };
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

function createTestSender(spec: Partial<Parameters<typeof createBackend>[0]> & { url: string }) {
  const backend = createBackend({ ...SPEC, ...spec });
  const backends = new Map([['cloud', backend]]);
  const { client, clock } = lab;
  const sender = createSender({ client, backends, deadlines: LAB_DEADLINES, clock });
  return { backend, sender };
}

describe('a request to a backend', () => {
  test('carries its base path, its key and its headers in place of the caller’s', async () => {
    const raw = await lab.backend();
    const { sender } = createTestSender({
      url: `${raw.url}/base`,
      apiKeys: ['sk-vendor-key'],
      headers: [['x-team', 'blue']],
    });
    const headers = [
      ['authorization', 'Bearer callers'],
      ['x-team', 'red'],
      ['accept', '*/*'],
    ] as const;
    const reader = createRecordingReader();
    const sending = sender.send(TARGET, { ...REQUEST, headers }, reader);
    expect(sending.credential).toBe(0);
    const peer = await raw.next();
    await peer.expect('\r\n\r\n');
    expect(peer.received).toBe(
      `POST /base/v1/chat HTTP/1.1\r\nhost: 127.0.0.1:${raw.port}\r\naccept: */*\r\n` +
        'x-team: blue\r\nauthorization: Bearer sk-vendor-key\r\ncontent-length: 0\r\n\r\n',
    );
    peer.write(OK);
    await reader.ending;
  });

  test('without a key has none, and nothing can be said against it', async () => {
    const raw = await lab.backend();
    const { sender } = createTestSender({ url: raw.url });
    const sending = sender.send(TARGET, REQUEST, createRecordingReader());
    expect(sending.credential).toBe(-1);
    expect(sender.credentialRefused(TARGET, sending.credential, 401, undefined)).toBe(false);
    sending.abort();
  });

  test('with a single key is not asked again at once, whatever the wait', async () => {
    const raw = await lab.backend();
    const { sender } = createTestSender({ url: raw.url, apiKeys: ['sk-only-key'] });
    const sending = sender.send(TARGET, REQUEST, createRecordingReader());
    expect(sender.credentialRefused(TARGET, sending.credential, 429, 0)).toBe(false);
    sending.abort();
  });

  test('goes out with the next key once one is refused, and the reload before it counts', async () => {
    const raw = await lab.backend();
    const apiKeys = ['sk-first-key', 'sk-second-key'];
    const { backend, sender } = createTestSender({ url: raw.url, apiKeys });
    const first = sender.send(TARGET, REQUEST, createRecordingReader());
    const late = sender.send(TARGET, REQUEST, createRecordingReader());
    expect(sender.credentialRefused(TARGET, first.credential, 429, 20_000)).toBe(true);
    // The other one was sent with the same key, and is told of it later.
    expect(sender.credentialRefused(TARGET, late.credential, 429, 20_000)).toBe(true);
    const second = sender.send(TARGET, REQUEST, createRecordingReader());
    expect([first.credential, late.credential, second.credential]).toEqual([0, 0, 1]);
    expect(sender.credentialRefused(TARGET, second.credential, 401, undefined)).toBe(false);
    for (const sending of [first, late, second]) sending.abort();

    const reloaded = createBackend({ ...SPEC, url: raw.url, apiKeys }, backend);
    expect(currentHeaders(reloaded, lab.clock.monotonicMs())).toEqual([
      ['authorization', 'Bearer sk-first-key'], // Usable in 20 s, the other in ten minutes.
    ]);
    lab.clock.advance(20_000);
    expect(reloaded.credentials.usable(lab.clock.monotonicMs())).toBe(1);
  });

  test.each([
    [{ firstByteMs: 300 }, 300, 'first_byte_timeout'],
    [{ totalMs: 400 }, 400, 'total_timeout'],
    [undefined, LAB_DEADLINES.firstByteMs, 'first_byte_timeout'],
  ] as const)('with overrides %j ends after %i ms', async (overrides, afterMs, cause) => {
    const raw = await lab.backend();
    const { sender } = createTestSender({ url: raw.url });
    const reader = createRecordingReader();
    sender.send(TARGET, REQUEST, reader, overrides as SendOverrides | undefined);
    await (await raw.next()).expect('\r\n\r\n');
    lab.pass(afterMs - 1);
    expect(reader.endings).toBe(0);
    lab.pass(1);
    expect(await reader.ending).toMatchObject({ failure: { stage: 'sent_nothing_read', cause } });
  });

  test('to a backend that is not there is a bug', () => {
    const { sender } = createTestSender({ url: 'http://127.0.0.1:9' });
    expect(() => sender.send({ backend: 'other' }, REQUEST, createRecordingReader())).toThrow(
      'unknown backend other',
    );
  });
});

test('all secrets of a backend are known, words are not among them', () => {
  const backend = createBackend({
    ...SPEC,
    url: 'http://127.0.0.1:9',
    apiKeys: ['sk-first-key', 'sk-second-key'],
    headers: [
      ['x-team', 'blue'],
      ['x-proxy-auth', 'Basic dXNlcjpwYXNz'],
    ],
  });
  expect(backend.secrets.toSorted()).toEqual(['dXNlcjpwYXNz', 'sk-first-key', 'sk-second-key']);
});
