import { describe, expect, test } from 'vitest';
import type { OutgoingRequest } from '../../../../src/backends/http1/client.ts';
import { renderRequestHead } from '../../../../src/backends/http1/request-head.ts';
import { parseOrigin } from '../../../../src/backends/origin.ts';

const DEADLINES = { connectMs: 1, firstByteMs: 1, idleMs: 1, totalMs: 1 };

function render(parts: Partial<OutgoingRequest>): string {
  return renderRequestHead({
    origin: parseOrigin('http://gpu0:8000/base'),
    method: 'POST',
    path: '/base/v1/chat/completions',
    headers: [],
    body: null,
    deadlines: DEADLINES,
    ...parts,
  });
}

describe('what is written', () => {
  test('the framing headers are ours, the others as given', () => {
    const text = render({
      headers: [
        ['content-type', 'application/json'],
        ['x-note', 'caf\u00e9\t\u00ff'],
      ],
      body: Buffer.from('{"a":"é"}', 'utf8'),
    });
    expect(text).toBe(
      'POST /base/v1/chat/completions HTTP/1.1\r\nhost: gpu0:8000\r\n' +
        'content-type: application/json\r\nx-note: caf\u00e9\t\u00ff\r\ncontent-length: 10\r\n\r\n',
    );
  });

  test.each([
    ['GET', null, false],
    ['HEAD', null, false],
    ['DELETE', null, false],
    ['POST', null, true],
    ['PUT', null, true],
    ['GET', new Uint8Array(0), true],
  ])('%s with body %j says its length: %s', (method, body, says) => {
    expect(render({ method, body }).includes('content-length: 0\r\n')).toBe(says);
  });
});

describe('what could be read as something else is refused', () => {
  const values = ['a\r\nx: y', 'a\nb', 'a\rb', 'a\0b', 'a\x01b', 'a\x7fb', 'a\u0100b', '\u2028'];
  test.each(values)('header value %j', (value) => {
    expect(() => render({ headers: [['x-a', value]] })).toThrow('forbidden character');
  });

  test.each(['', 'a b', 'a:', 'a\r\n', 'X-Upper', 'é', 'a\0'])('header name %j', (name) => {
    expect(() => render({ headers: [[name, 'v']] })).toThrow('lower-case token');
    // A name is remembered only when it is good.
    expect(() => render({ headers: [[name, 'v']] })).toThrow('lower-case token');
  });

  test.each(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'expect'])(
    'header %s, which is not the caller’s to set',
    (name) => {
      expect(() => render({ headers: [[name, '1']] })).toThrow('not the caller');
    },
  );

  test.each(['', 'v1', 'http://x/', '/a b', '/a\r\n', '/\0', '/é', '*'])('path %j', (path) => {
    expect(() => render({ path })).toThrow('path');
  });

  test.each(['', 'GE T', 'GET\r\n', 'GÉT'])('method %j', (method) => {
    expect(() => render({ method })).toThrow('method');
  });

  test('a value is not repeated in the refusal: it may be a secret', () => {
    const headers = [['authorization', 'Bearer sk-secret\n']] as const;
    expect(() => render({ headers })).toThrow(/^(?!.*sk-secret)/s);
  });
});
