import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { systemTimers, type Timers } from '../../../src/core/timers.ts';
import type { AuditBatch } from '../../../src/sinks/record.ts';
import { SinkFailure } from '../../../src/sinks/sink-failure.ts';
import { createSyslogSink } from '../../../src/sinks/syslog-sink.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { aBatch } from '../../support/some-records.ts';
import {
  startStreamReceiver,
  startUdpReceiver,
  TRUSTED_CA,
} from '../../support/syslog-receiver.ts';

type Transport = 'udp' | 'tcp' | 'tls';

interface Target {
  readonly transport: Transport;
  readonly port: number;
  readonly hostname?: string;
  readonly trustedCa?: string | null;
  readonly timers?: Timers;
}

/** More than the buffers between the two hold. */
const LARGE: AuditBatch = {
  chain: 'requests',
  records: Array.from({ length: 20 }, () => aBatch(1, 500).records).flat(),
};

const LOST = /^sending failed \((?:ECONNRESET|EPIPE)\)$|closed before the end|was lost/;

function openSink({ transport, port, hostname, trustedCa = TRUSTED_CA, timers }: Target) {
  const { clock } = createFakeTime();
  return createSyslogSink(
    {
      id: 'syslog',
      transport,
      hostname: hostname ?? '127.0.0.1',
      port,
      ...(trustedCa === null ? {} : { trustedCa }),
    },
    { clock, timers: timers ?? systemTimers, installId: 'box-1' },
    { hostname: 'box', processId: 1 },
  );
}

function write(target: Target, batch: AuditBatch, signal = new AbortController().signal) {
  return openSink(target)
    .write(batch, signal)
    .then(
      () => 'written' as const,
      (cause: unknown) => {
        expect(cause).toBeInstanceOf(SinkFailure);
        return (cause as SinkFailure).message;
      },
    );
}

/** The documents in messages, as the receiver parses them. */
function toDocuments(messages: readonly string[]): unknown[] {
  return messages.map((message) => JSON.parse(message.slice(message.indexOf('] {') + 2)));
}

function documentsOf({ records }: AuditBatch): unknown[] {
  return records.map(({ line }) => JSON.parse(line));
}

test('UDP: a datagram per record, in bursts', async () => {
  await using receiver = await startUdpReceiver();
  const batch = aBatch(1, 120);
  expect(await write({ transport: 'udp', port: receiver.port }, batch)).toBe('written');
  await receiver.received(120);
  expect(toDocuments(receiver.messages)).toEqual(documentsOf(batch));
});

test('UDP: a record that no datagram can carry is named by its hash', async () => {
  await using receiver = await startUdpReceiver();
  const { chain, records } = aBatch(1, 2);
  const long = records.map((record) => ({ ...record, line: `{"a":"${'é'.repeat(20_000)}"}` }));
  expect(await write({ transport: 'udp', port: receiver.port }, { chain, records: long })).toBe(
    'written',
  );
  await receiver.received(2);
  expect(toDocuments(receiver.messages)).toEqual([{ too_long: true }, { too_long: true }]);
  expect(receiver.messages[1]).toContain(`seq="2" hash="${records[1]?.hash}"`);
});

test('UDP: a name that nobody has is a failure', async () => {
  const told = await write(
    { transport: 'udp', port: 514, hostname: 'nobody.invalid' },
    aBatch(1, 1),
  );
  expect(told).toMatch(/^sending failed/);
});

test('UDP: where nobody listens, rows are lost or the refusal is told, and nothing breaks', async () => {
  const receiver = await startUdpReceiver();
  await receiver[Symbol.asyncDispose]();
  const told = await write({ transport: 'udp', port: receiver.port }, aBatch(1, 100));
  expect(['written', 'sending failed (ECONNREFUSED)']).toContain(told);
});

test('UDP: called off between bursts', async () => {
  const time = createFakeTime();
  const stop = new AbortController();
  await using receiver = await startUdpReceiver();
  const target = { transport: 'udp', port: receiver.port, timers: time.timers } as const;
  const writing = write(target, aBatch(1, 200), stop.signal);
  await time.armed(10);
  stop.abort();
  expect(await writing).toBe('sending failed (AbortError)');
  expect(time.pending()).toEqual([]);
});

describe.each([
  { transport: 'tcp', tls: {} },
  { transport: 'tls', tls: { tls: 'localhost' } },
] as const)('$transport', ({ transport, tls }) => {
  test('messages arrive whole and in order, a connection per batch', async () => {
    await using receiver = await startStreamReceiver(tls);
    const first = aBatch(1, 500);
    const second = aBatch(501, 502);
    const target = { transport, port: receiver.port };
    expect(await write(target, first)).toBe('written');
    // Resolved means read: nothing has to be waited for.
    expect(receiver.messages).toHaveLength(500);
    expect(await write(target, second)).toBe('written');
    expect(toDocuments(receiver.messages)).toEqual([...documentsOf(first), ...documentsOf(second)]);
    expect(receiver.connections).toBe(2);
  });

  test('a name instead of an address', async () => {
    await using receiver = await startStreamReceiver(tls);
    const target = { transport, port: receiver.port, hostname: 'localhost' };
    expect(await write(target, aBatch(1, 2))).toBe('written');
    expect(receiver.messages).toHaveLength(2);
  });

  test('nobody listens', async () => {
    const receiver = await startStreamReceiver(tls);
    await receiver[Symbol.asyncDispose]();
    const told = await write({ transport, port: receiver.port }, aBatch(1, 1));
    expect(told).toBe('sending failed (ECONNREFUSED)');
  });

  const faults: [string, AuditBatch, (socket: Socket) => void][] = [
    ['resets midway', LARGE, (socket) => void socket.once('data', () => socket.resetAndDestroy())],
    ['goes away midway', LARGE, (socket) => void socket.once('data', () => socket.destroy())],
    // As a balancer without receivers does.
    ['closes at once', aBatch(1, 1), (socket) => void socket.end()],
    ['is gone at once', aBatch(1, 1), (socket) => void socket.destroy()],
    ['closes a long batch at once', LARGE, (socket) => void socket.end()],
  ];
  test.each(faults)('a receiver that %s has not got the batch', async (_, batch, misbehave) => {
    await using receiver = await startStreamReceiver({ ...tls, misbehave });
    const told = await write({ transport, port: receiver.port }, batch);
    expect(told).toMatch(LOST);
  });

  test('a receiver that dies before it has read has not got the batch', async () => {
    const time = createFakeTime();
    const misbehave = (socket: Socket) => void socket.pause();
    await using receiver = await startStreamReceiver({ ...tls, misbehave });
    const target = { transport, port: receiver.port, timers: time.timers };
    const writing = write(target, LARGE);
    await time.armed(20);
    await time.advance(20);
    receiver.cut();
    expect(await writing).toMatch(LOST);
  });

  test('a receiver that reads nothing is left at the deadline', async () => {
    const time = createFakeTime();
    const misbehave = (socket: Socket) => void socket.pause();
    await using receiver = await startStreamReceiver({ ...tls, misbehave });
    const target = { transport, port: receiver.port, timers: time.timers };
    const writing = write(target, aBatch(1, 10));
    await time.armed(20);
    await time.advance(29_999);
    expect(time.pending()).toEqual([1]);
    await time.advance(1);
    expect(await writing).toBe('not read to the end in 30 s');
    expect(time.pending()).toEqual([]);
  });

  test('called off', async () => {
    const stop = new AbortController();
    const time = createFakeTime();
    const misbehave = (socket: Socket) => void socket.pause();
    await using receiver = await startStreamReceiver({ ...tls, misbehave });
    const target = { transport, port: receiver.port, timers: time.timers };
    const writing = write(target, aBatch(1, 10), stop.signal);
    await time.armed(20);
    stop.abort();
    expect(await writing).toBe('sending failed (AbortError)');
    expect(time.pending()).toEqual([]);
  });
});

test('TLS: a certificate of nobody we trust gets nothing', async () => {
  await using receiver = await startStreamReceiver({ tls: 'localhost' });
  const target = { transport: 'tls', port: receiver.port, trustedCa: null } as const;
  expect(await write(target, aBatch(1, 1))).toMatch(/^sending failed \(\w+\)$/);
  expect(receiver.messages).toEqual([]);
});

test.each(['localhost', '127.0.0.1'])('TLS: a certificate of another than %s', async (hostname) => {
  await using receiver = await startStreamReceiver({ tls: 'other-name' });
  const target = { transport: 'tls', port: receiver.port, hostname } as const;
  expect(await write(target, aBatch(1, 1))).toMatch(/^sending failed \(\w+\)$/);
  expect(receiver.messages).toEqual([]);
});
