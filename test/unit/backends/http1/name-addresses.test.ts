import { expect, test } from 'vitest';
import { askSystem, NameAddresses } from '../../../../src/backends/http1/name-addresses.ts';

test('a name is asked for again by every connection, and once by those that are begun together', async () => {
  const answers = [['10.0.0.1'], ['10.0.0.2']];
  let asked = 0;
  const name = new NameAddresses(async () => answers[asked++] ?? []);
  expect(await Promise.all([name.find(), name.find(), name.find()])).toEqual([
    ['10.0.0.1'],
    ['10.0.0.1'],
    ['10.0.0.1'],
  ]);
  expect(await name.find()).toEqual(['10.0.0.2']);
  expect(asked).toBe(2);
});

test('a name that failed once is asked for again', async () => {
  let asked = 0;
  const name = new NameAddresses(async () => {
    asked += 1;
    if (asked === 1) throw new Error('no such host');
    return ['10.0.0.1'];
  });
  await expect(name.find()).rejects.toThrow('no such host');
  expect(await name.find()).toEqual(['10.0.0.1']);
});

test('addresses where handshakes hang are tried last', async () => {
  const name = new NameAddresses(async () => ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const over = name.begin('10.0.0.1');
  expect(await name.find()).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.1']);
  const another = name.begin('10.0.0.1');
  name.begin('10.0.0.2');
  expect(await name.find()).toEqual(['10.0.0.3', '10.0.0.2', '10.0.0.1']);
  over();
  another();
  expect(await name.find()).toEqual(['10.0.0.1', '10.0.0.3', '10.0.0.2']);
});

test('localhost is both loopback addresses, whatever the file of hosts says', async () => {
  expect((await askSystem('localhost')).toSorted()).toEqual(['127.0.0.1', '::1']);
});
