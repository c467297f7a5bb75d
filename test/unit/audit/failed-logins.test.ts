import { expect, test } from 'vitest';
import { createFailedLogins, type FailedLoginSummary } from '../../../src/audit/failed-logins.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function open() {
  const clock = createFakeClock();
  const recorded: FailedLoginSummary[] = [];
  const state = { isWritable: true };
  const logins = createFailedLogins({
    nowMs: clock.nowMs,
    record(summary) {
      if (state.isWritable) recorded.push(summary);
      return state.isWritable;
    },
  });
  return { clock, recorded, state, logins };
}

test('a flood is one event a minute, whatever its size', () => {
  const { clock, recorded, logins } = open();
  const startMs = clock.nowMs();
  for (let at = 0; at < 100_000; at += 1) {
    clock.advance(3);
    logins.note('invalid_api_key', `10.0.${at % 200}.1`, null);
    logins.flushIfDue();
  }
  logins.flush();
  expect(recorded).toHaveLength(1 + 5);
  expect(recorded.reduce((sum, { count }) => sum + count, 0)).toBe(100_000);
  expect(recorded[0]).toMatchObject({ count: 1, firstAtMs: startMs + 3 });
  expect(recorded[1]).toMatchObject({ moreAddresses: true, moreKeyIds: false });
  expect(recorded[1]?.addresses).toHaveLength(5);
});

test('reasons, keys and addresses are counted and named', () => {
  const { clock, recorded, logins } = open();
  logins.note('key_expired', '10.0.0.1', 'K1');
  clock.advance(1_000);
  logins.note('key_expired', '10.0.0.1', 'K1');
  logins.note('invalid_api_key', null, null);
  logins.flushIfDue();
  expect(recorded).toEqual([
    {
      firstAtMs: clock.nowMs() - 1_000,
      lastAtMs: clock.nowMs(),
      count: 3,
      byReason: { key_expired: 2, invalid_api_key: 1 },
      addresses: ['10.0.0.1'],
      moreAddresses: false,
      keyIds: ['K1'],
      moreKeyIds: false,
    },
  ]);
});

test('nothing is recorded when nobody failed', () => {
  const { clock, recorded, logins } = open();
  clock.advance(600_000);
  logins.flushIfDue();
  logins.flush();
  expect(recorded).toEqual([]);
});

test('what could not be written is counted on and written later', () => {
  const { clock, recorded, state, logins } = open();
  state.isWritable = false;
  logins.note('invalid_api_key', '10.0.0.1', null);
  logins.flushIfDue();
  logins.note('invalid_api_key', '10.0.0.2', null);
  state.isWritable = true;
  logins.flushIfDue();
  expect(recorded).toEqual([]);
  clock.advance(60_000);
  logins.flushIfDue();
  expect(recorded).toMatchObject([{ count: 2, addresses: ['10.0.0.1', '10.0.0.2'] }]);
});

test('a clock that is set back does not silence it', () => {
  const { clock, recorded, logins } = open();
  logins.note('invalid_api_key', null, null);
  logins.flushIfDue();
  clock.setWall(clock.nowMs() - 86_400_000);
  logins.note('invalid_api_key', null, null);
  logins.flushIfDue();
  expect(recorded).toHaveLength(2);
});
