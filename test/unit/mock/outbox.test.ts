import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { Outbox } from '../../../src/mock/outbox.ts';
import { TimerWheel } from '../../../src/mock/timer-wheel.ts';
import { callMock, renderPost } from '../../support/mock-caller.ts';
import { startTestMock } from '../../support/start-mock.ts';

/** An outbox on a socket that takes what `room` allows and remembers each write. */
function createOutbox(room = { bytes: Number.POSITIVE_INFINITY }) {
  const writes: string[] = [];
  const empty = Promise.withResolvers<void>();
  const socket = {
    write(data: string | Uint8Array) {
      const bytes = Buffer.from(data as string);
      const taken = bytes.subarray(0, room.bytes);
      room.bytes -= taken.length;
      if (taken.length > 0) writes.push(taken.toString());
      return taken.length;
    },
  };
  const outbox = new Outbox(socket, new TimerWheel(systemClock), () => empty.resolve());
  return { outbox, writes, room, empty: empty.promise };
}

describe('outbox', () => {
  test('what the socket does not take waits, in order, byte for byte', () => {
    const { outbox, writes, room } = createOutbox({ bytes: 4 });
    outbox.write('käse');
    outbox.write(Buffer.from('-and-'));
    outbox.write('bread');
    expect(outbox.backlogBytes).toBe(Buffer.byteLength('käse-and-bread') - 4);
    for (let i = 0; i < 20; i++) {
      room.bytes = 1;
      outbox.drained();
    }
    expect(writes.join('')).toBe('käse-and-bread');
    expect(outbox.backlogBytes).toBe(0);
  });

  test('a socket that is gone takes nothing, and nothing is thrown', () => {
    const outbox = new Outbox({ write: () => -1 }, new TimerWheel(systemClock), () => {});
    outbox.write('abc');
    expect(outbox.backlogBytes).toBe(3);
    outbox.close();
    outbox.write('abc');
    expect(outbox.backlogBytes).toBe(0);
  });

  test.each([0, 1])('drips in pieces, every %d ms', async (everyMs) => {
    const { outbox, writes, empty } = createOutbox();
    outbox.setDrip({ bytes: 2, everyMs });
    outbox.write('abc');
    outbox.write('de');
    expect(outbox.backlogBytes).toBe(5);
    await empty;
    expect(writes).toEqual(['ab', 'c', 'de']);
  });

  test('a drip ends with its reply', async () => {
    await using mock = await startTestMock();
    mock.script({ fault: { kind: 'drip' } });
    const body = { model: 'm', messages: [{ content: 'a' }] };
    const caller = callMock(mock.port, renderPost('/v1/chat/completions', body).repeat(2));
    await mock.until(({ completed }) => completed > 0);
    // The second reply left in the same turn as the last byte of the first.
    expect(mock.stats().completed).toBe(2);
    caller.leave();
  });
});
