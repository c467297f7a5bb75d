import { expect, test } from 'vitest';
import { RollingShare } from '../../../src/routing/rolling-share.ts';

test('forgets in tenths of the window', () => {
  const share = new RollingShare(10_000);
  for (let nowMs = 500; nowMs < 10_000; nowMs += 1_000) {
    share.moveTo(nowMs);
    share.add(1, 2);
  }
  expect([share.part, share.whole]).toEqual([10, 20]);
  share.moveTo(10_000);
  expect([share.part, share.whole]).toEqual([9, 18]);
  share.moveTo(14_999);
  expect([share.part, share.whole]).toEqual([5, 10]);
  share.moveTo(3_000); // A time that goes back counts for the newest step.
  share.add(1, 1);
  expect([share.part, share.whole]).toEqual([6, 11]);
  share.moveTo(23_999);
  expect([share.part, share.whole]).toEqual([1, 1]);
  share.moveTo(1e9);
  expect([share.part, share.whole]).toEqual([0, 0]);
});

test('starts again when it is cleared', () => {
  const share = new RollingShare(1_000);
  share.moveTo(-250);
  share.add(3, 4);
  share.clear();
  share.add(1, 1);
  share.moveTo(650);
  expect([share.part, share.whole]).toEqual([1, 1]);
  share.moveTo(700);
  expect([share.part, share.whole]).toEqual([0, 0]);
});
