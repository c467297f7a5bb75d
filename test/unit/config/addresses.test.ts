import { describe, expect, test } from 'vitest';
import { parseBackendUrl } from '../../../src/config/backend-url.ts';
import { isLoopback, parseListenAddress } from '../../../src/config/listen-address.ts';
import { parseSyslogAddress, parseWebUrl } from '../../../src/config/sink-address.ts';

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
    ['unix:engine.sock', 'absolute path'],
    [`unix:/${'x'.repeat(107)}`, 'at most 107 bytes'],
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

describe('the URL of a webhook', () => {
  test.each([
    ['https://hooks.example.com', 'https://hooks.example.com/'],
    ['HTTPS://Hooks.Example.com:443/A?b=c', 'https://hooks.example.com/A?b=c'],
    ['http://[::1]:9000/a', 'http://[::1]:9000/a'],
  ])('%s', (text, href) => {
    expect(parseWebUrl(text).href).toBe(href);
  });

  test.each([
    ['hooks.example.com', 'starts with http'],
    ['javascript:alert(1)', 'starts with http'],
    ['https://', 'not a URL'],
    ['https://a:b@hooks.example.com', 'credentials'],
    ['https://hooks.example.com/#a', 'fragment'],
    ['https://hooks.example.com/a\r\nb', 'blanks'],
    ['https://hooks.example.com:0', 'port 0'],
  ])('%s is refused', (text, message) => {
    expect(() => parseWebUrl(text)).toThrow(message);
  });
});

describe('where syslog listens', () => {
  test.each([
    ['udp://127.0.0.1:514', { transport: 'udp', hostname: '127.0.0.1', port: 514 }],
    ['tcp://logs', { transport: 'tcp', hostname: 'logs', port: 514 }],
    ['tls://logs.example.com/', { transport: 'tls', hostname: 'logs.example.com', port: 6_514 }],
    ['udp://[::1]:1514', { transport: 'udp', hostname: '::1', port: 1_514 }],
  ])('%s', (text, target) => {
    expect(parseSyslogAddress(text)).toEqual(target);
  });

  test.each([
    ['logs.example.com:514', 'not a syslog address'],
    ['http://logs.example.com', 'not a syslog address'],
    ['udp://', 'not a syslog address'],
    ['udp://a@b', 'not a syslog address'],
    ['udp://::1:514', 'not a syslog address'],
    ['udp://logs/path', 'not a syslog address'],
    ['udp://logs:0', 'the port'],
    ['udp://logs:65536', 'the port'],
  ])('%s is refused', (text, message) => {
    expect(() => parseSyslogAddress(text)).toThrow(message);
  });
});
