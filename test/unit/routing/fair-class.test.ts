import { expect, test } from 'vitest';
import { FairClass } from '../../../src/routing/fair-class.ts';

test('accounts that nobody misses are forgotten', () => {
  const line = new FairClass(1);
  for (let index = 0; index < 100_000; index += 1) {
    const account = line.arrive(`key_${index}`, undefined);
    line.dispatch(account, 10);
    account.release();
  }
  expect(line.accounts).toBeLessThanOrEqual(1_024);
});

test('one that is in use is kept', () => {
  const line = new FairClass(1);
  const busy = line.arrive('busy', undefined);
  line.dispatch(busy, 5);
  for (let index = 0; index < 10_000; index += 1) {
    const account = line.arrive(`key_${index}`, undefined);
    line.dispatch(account, 10);
    account.release();
  }
  expect(line.arrive('busy', undefined)).toBe(busy);
});

test('many that are ahead of the others do not pile up either', () => {
  const line = new FairClass(1);
  const accounts = Array.from({ length: 200_000 }, (_, index) => {
    const account = line.arrive(`key_${index}`, undefined);
    line.dispatch(account, 0);
    account.charge(200_000 - index);
    account.release();
    return account;
  });
  expect(line.accounts).toBeLessThan(140_000);
  expect(accounts).toHaveLength(200_000);
});

test('a class that takes over another keeps who is ahead, and by how much', () => {
  const [one, other] = [new FairClass(1), new FairClass(1)];
  one.dispatch(one.arrive('both', undefined), 1_000);
  other.dispatch(other.arrive('both', undefined), 70);
  const ahead = other.arrive('ahead', undefined);
  other.dispatch(other.arrive('last', undefined), 0);
  ahead.charge(30);
  one.absorb(other);
  expect(one.arrive('ahead', undefined).served).toBe(1_030);
  ahead.charge(5);
  expect(one.arrive('ahead', undefined).served).toBe(1_035);
});
