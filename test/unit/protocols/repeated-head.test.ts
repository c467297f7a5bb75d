import { describe, expect, test } from 'vitest';
import { OTHER_HEAD, RepeatedHead, SAME_HEAD } from '../../../src/protocols/repeated-head.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nserver: x\r\nContent-Length: 120\r\nvia: y\r\n';

describe('a head beside the one before it', () => {
  test.each([
    ['the same', HEAD, SAME_HEAD],
    ['another length', HEAD.replace('120', '7'), 7],
    ['a longer length', HEAD.replace('120', '123456789012345'), 123_456_789_012_345],
    ['zeros before the length', HEAD.replace('120', '007'), 7],
    ['too long a length', HEAD.replace('120', '1234567890123456'), OTHER_HEAD],
    ['no digits', HEAD.replace('120', ''), OTHER_HEAD],
    ['a sign', HEAD.replace('120', '+12'), OTHER_HEAD],
    ['a list of lengths', HEAD.replace('120', '12, 12'), OTHER_HEAD],
    ['a blank after the length', HEAD.replace('120', '12 '), OTHER_HEAD],
    ['a second length', `${HEAD}content-length: 120\r\n`, OTHER_HEAD],
    ['a line between', HEAD.replace('120', '1\r\ntransfer-encoding: chunked'), OTHER_HEAD],
    ['another value before', HEAD.replace('x', 'z'), OTHER_HEAD],
    ['another value after', HEAD.replace('y', 'z'), OTHER_HEAD],
    [
      'overlapping ends',
      'HTTP/1.1 200 OK\r\nserver: x\r\nContent-Length: \r\nvia: y\r\n',
      OTHER_HEAD,
    ],
    ['nothing', '', OTHER_HEAD],
  ])('%s', (_, text, expected) => {
    const repeated = new RepeatedHead();
    repeated.remember(HEAD);
    expect(repeated.compare(text)).toBe(expected);
  });

  test('without a length only the same text is the same', () => {
    const repeated = new RepeatedHead();
    repeated.remember('GET / HTTP/1.1\r\nhost: a\r\n');
    expect(repeated.compare('GET / HTTP/1.1\r\nhost: a\r\n')).toBe(SAME_HEAD);
    expect(repeated.compare('GET / HTTP/1.1\r\nhost: b\r\n')).toBe(OTHER_HEAD);
  });

  test('of two equal lengths none may become another', () => {
    const repeated = new RepeatedHead();
    const twice = (first: number) => `${HEAD.replace('120', String(first))}content-length: 120\r\n`;
    repeated.remember(twice(120));
    expect(repeated.compare(twice(120))).toBe(SAME_HEAD);
    expect(repeated.compare(twice(7))).toBe(OTHER_HEAD);
  });

  test('the name inside a value is no length', () => {
    const repeated = new RepeatedHead();
    repeated.remember('GET / HTTP/1.1\r\nx: content-length: 5\r\n');
    expect(repeated.compare('GET / HTTP/1.1\r\nx: content-length: 6\r\n')).toBe(OTHER_HEAD);
  });
});
