import { expect, test } from 'vitest';
import { StrangerLines } from '../../../src/gateway/request-line.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { silentLog } from '../../support/silent-log.ts';

test('of a flood of bad keys one line a second is written, and how many more there were', async () => {
  const { clock, timers, advance } = createFakeTime();
  const told: unknown[] = [];
  const log = silentLog((event, fields) => void told.push([event, fields]));
  const strangers = new StrangerLines(log, timers.after);
  const tells: boolean[] = [];
  const come = (code: string) => tells.push(strangers.mayTell(code, clock.monotonicMs()));
  for (let at = 0; at < 1_000; at += 1) come('invalid_api_key');
  come('key_expired');
  expect(tells.filter(Boolean)).toHaveLength(2);
  expect(told).toEqual([]);
  await advance(1_000);
  expect(told).toEqual([['requests_refused', { code: 'invalid_api_key', count: 999 }]]);
  come('invalid_api_key');
  expect(tells.at(-1)).toBe(true);
  await advance(10_000);
  expect(told).toHaveLength(1);
});
