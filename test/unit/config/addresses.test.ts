import { describe, expect, test } from 'vitest';
import { parseBackendUrl } from '../../../src/config/backend-url.ts';
import { isLoopback, parseListenAddress } from '../../../src/config/listen-address.ts';

describe('the URL of a backend', () => {
  test.each([
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000'],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000'],
    ['http://127.0.0.1:8000/v1', 'http://127.0.0.1:8000'],
    ['http://127.0.0.1:8000/v1/', 'http://127.0.0.1:8000'],
    ['https://example.com/gateway/v1', 'https://example.com/gateway'],
    ['https://example.com/v1/v1', 'https://example.com/v1'],
    ['https://example.com/v10', 'https://example.com/v10'],
    ['HTTP://Example.COM:80/A', 'http://example.com/A'],
    ['http://[::1]:8000', 'http://[::1]:8000'],
  ])('%s', (text, url) => {
    expect(parseBackendUrl(text)).toBe(url);
  });

  test.each([
    ['127.0.0.1:8000', 'starts with http'],
    ['localhost:8000', 'starts with http'],
    ['file:///etc/passwd', 'starts with http'],
    ['http://', 'not a URL'],
    ['http://a:b@127.0.0.1', 'credentials'],
    ['http://127.0.0.1/?', 'no query'],
    ['http://127.0.0.1/#', 'no fragment'],
    ['http://127.0.0.1/a b', 'blanks'],
    ['http://127.0.0.1/\r\nx: y', 'blanks'],
    ['http://127.0.0.1:0', 'port 0'],
  ])('%s is refused', (text, message) => {
    expect(() => parseBackendUrl(text)).toThrow(message);
  });
});

describe('the address to listen on', () => {
  test.each([
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['localhost:65535', 'localhost', 65_535],
    ['[::1]:8080', '::1', 8080],
    ['[::]:8080', '::', 8080],
  ])('%s', (text, hostname, port) => {
    expect(parseListenAddress(text)).toEqual({ hostname, port });
  });

  test.each([
    ['8080', 'not a host and a port'],
    ['127.0.0.1', 'not a host and a port'],
    ['::1:8080', 'not a host and a port'],
    ['http://127.0.0.1:8080', 'not a host and a port'],
    [':8080', 'the host is missing'],
    ['*:8080', 'the host is missing'],
    ['[]:8080', 'the host is missing'],
    ['[host]:8080', 'not an IPv6 address'],
    ['127.0.0.1:65536', 'over 65535'],
    ['a b:1', 'not a host and a port'],
  ])('%s is refused', (text, message) => {
    expect(() => parseListenAddress(text)).toThrow(message);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['127.example.com', false],
    ['10.0.0.1', false],
  ])('%s is loopback: %s', (hostname, expected) => {
    expect(isLoopback(hostname)).toBe(expected);
  });
});
