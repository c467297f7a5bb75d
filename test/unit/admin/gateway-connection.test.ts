import { expect, test } from 'vitest';
import { parseGatewayUrl } from '../../../src/admin/gateway-connection.ts';

test.each([
  ['https://gpu-box:9443', 'https://gpu-box:9443'],
  ['https://gpu-box:9443/', 'https://gpu-box:9443'],
  ['https://gpu-box/llmgate/admin/v1/', 'https://gpu-box/llmgate'],
  ['http://127.0.0.1:9090', 'http://127.0.0.1:9090'],
  ['http://[::1]:9090', 'http://[::1]:9090'],
  ['http://localhost:9090/', 'http://localhost:9090'],
])('%s', (text, url) => {
  expect(parseGatewayUrl(text)).toBe(url);
});

test.each([
  ['gpu-box:9443', 'write it like'],
  ['ftp://gpu-box', 'write it like'],
  ['', 'write it like'],
  ['https://alice:secret@gpu-box', 'LLMGATE_ADMIN_KEY'],
  ['https://gpu-box/?key=secret', 'LLMGATE_ADMIN_KEY'],
  ['http://gpu-box:9090', 'in clear'],
  ['http://127.0.0.1.evil.example:9090', 'in clear'],
  ['http://0.0.0.0:9090', 'in clear'],
])('%s is refused without being repeated', (text, why) => {
  expect(() => parseGatewayUrl(text)).toThrow(why);
  expect(() => parseGatewayUrl(text)).not.toThrow('secret');
});
