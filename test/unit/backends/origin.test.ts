import { describe, expect, test } from 'vitest';
import { parseOrigin } from '../../../src/backends/origin.ts';

describe('addresses of backends', () => {
  test.each([
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000', '127.0.0.1', 8000, '127.0.0.1:8000', ''],
    ['http://gpu0', 'http://gpu0:80', 'gpu0', 80, 'gpu0', ''],
    ['http://gpu0:80/', 'http://gpu0:80', 'gpu0', 80, 'gpu0', ''],
    [
      'https://API.example.com/v1/',
      'https://api.example.com:443',
      'api.example.com',
      443,
      'api.example.com',
      '/v1',
    ],
    ['https://h:8443/a/b//', 'https://h:8443', 'h', 8443, 'h:8443', '/a/b'],
    ['http://[::1]:9000/x', 'http://[::1]:9000', '::1', 9000, '[::1]:9000', '/x'],
  ])('%s', (url, key, hostname, port, hostHeader, basePath) => {
    const tls = url.startsWith('https');
    const expected = { key, tls, hostname, port, hostHeader, basePath, unixPath: null };
    expect(parseOrigin(url)).toEqual(expected);
  });

  test.each(['unix:/run/vllm.sock', 'unix:///run/vllm.sock'])('%s', (url) => {
    expect(parseOrigin(url)).toMatchObject({
      key: 'unix:/run/vllm.sock',
      unixPath: '/run/vllm.sock',
      hostHeader: 'localhost',
      tls: false,
    });
  });

  test.each([
    ['gpu0:8000', /scheme|URL/],
    ['', /not a URL/],
    ['ftp://gpu0', /http, https or unix, not ftp/],
    ['http://user:secret@gpu0', /user name or password/],
    ['http://gpu0/?key=1', /query/],
    ['http://gpu0/#x', /fragment/],
    ['http://gpu0:0', /port 0/],
    ['http://gpu0:99999', /not a URL/],
    ['unix:relative.sock', /absolute path/],
    ['unix:/a\0b', /NUL/],
    [`unix:/${'x'.repeat(107)}`, /107 bytes/],
  ])('%j is refused in plain words', (url, words) => {
    expect(() => parseOrigin(url)).toThrow(words);
  });

  test('a password in an address is not repeated in the refusal', () => {
    expect(() => parseOrigin('http://user:hunter2@gpu0')).toThrow(/^(?!.*hunter2)/);
  });
});
