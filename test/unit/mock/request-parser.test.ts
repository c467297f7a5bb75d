import { describe, expect, test } from 'vitest';
import { HttpSyntaxError } from '../../../src/mock/http-request.ts';
import { RequestParser } from '../../../src/mock/request-parser.ts';

function createParser(maxBodyBytes = 1000): RequestParser {
  return new RequestParser(maxBodyBytes, () => {});
}

function parse(text: string): ReturnType<RequestParser['next']> {
  const parser = createParser();
  parser.push(Buffer.from(text, 'latin1'));
  return parser.next();
}

const POST = 'POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\n';

describe('requests', () => {
  const good: [string, string, string][] = [
    ['no body', `${POST}\r\n`, ''],
    ['length', `${POST}Content-Length: 5\r\n\r\nhello`, 'hello'],
    [
      'chunked',
      `${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`,
      'hello',
    ],
    [
      'chunk extension',
      `${POST}Transfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n`,
      'hello',
    ],
    ['trailers', `${POST}transfer-encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\n\r\n`, ''],
  ];

  test.each(good)('%s: whole, and cut at every byte', (_name, text, body) => {
    for (let cut = 0; cut <= text.length; cut++) {
      const parser = createParser();
      parser.push(Buffer.from(text.slice(0, cut)));
      let request = parser.next();
      if (cut < text.length) expect(request).toBeNull();
      parser.push(Buffer.from(`${text.slice(cut)}NEXT`));
      request ??= parser.next();
      expect(request).toMatchObject({
        method: 'POST',
        path: '/v1/x',
        query: 'a=b',
        keepAlive: true,
      });
      expect(request?.body.toString()).toBe(body);
      expect(parser.bufferedBytes).toBe('NEXT'.length);
    }
  });

  test('what tells whether the connection goes on', () => {
    expect(parse('GET / HTTP/1.1\r\nhost: h\r\nConnection: Close\r\n\r\n')?.keepAlive).toBe(false);
    expect(parse('GET / HTTP/1.0\r\n\r\n')).toMatchObject({ keepAlive: false, isHttp10: true });
  });

  test('repeated headers are joined', () => {
    const request = parse('GET / HTTP/1.1\r\nhost: h\r\nA: 1\r\na:  2 \r\n\r\n');
    expect([...(request?.headers ?? [])]).toEqual([
      ['host', 'h'],
      ['a', '1, 2'],
    ]);
  });

  test('who waits for 100 Continue is told once', () => {
    let told = 0;
    const parser = new RequestParser(10, () => {
      told++;
    });
    parser.push(Buffer.from(`${POST}expect: 100-continue\r\ncontent-length: 2\r\n\r\n`));
    expect(parser.next()).toBeNull();
    parser.push(Buffer.from('ok'));
    expect(parser.next()?.body.toString()).toBe('ok');
    expect(told).toBe(1);
  });
});

describe('what a strict server refuses', () => {
  const bad: [string, string, number][] = [
    ['no method', '/ HTTP/1.1\r\nhost: h\r\n\r\n', 400],
    ['absolute path missing', 'GET x HTTP/1.1\r\nhost: h\r\n\r\n', 400],
    ['two spaces', 'GET  / HTTP/1.1\r\nhost: h\r\n\r\n', 400],
    ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n', 400],
    ['space before the colon', `${POST}a : b\r\n\r\n`, 400],
    ['no colon', `${POST}nothing\r\n\r\n`, 400],
    ['folded line', `${POST}a: b\r\n c\r\n\r\n`, 400],
    ['bare line feed in a value', `${POST}a: b\nc: d\r\n\r\n`, 400],
    ['NUL in a value', `${POST}a: b\0\r\n\r\n`, 400],
    ['length and coding', `${POST}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 400],
    ['two lengths', `${POST}content-length: 1\r\ncontent-length: 1\r\n\r\n`, 400],
    ['signed length', `${POST}content-length: +1\r\n\r\n`, 400],
    ['list of lengths', `${POST}content-length: 1, 1\r\n\r\n`, 400],
    ['unknown coding', `${POST}transfer-encoding: gzip, chunked\r\n\r\n`, 501],
    ['chunk size in words', `${POST}transfer-encoding: chunked\r\n\r\nfive\r\n`, 400],
    ['chunk size with 0x', `${POST}transfer-encoding: chunked\r\n\r\n0x5\r\n`, 400],
    ['chunk too long', `${POST}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`, 400],
    ['body over the cap', `${POST}content-length: 1001\r\n\r\n`, 413],
    ['chunks over the cap', `${POST}transfer-encoding: chunked\r\n\r\n3e9\r\n`, 413],
    ['endless head', `${POST}a: ${'x'.repeat(70_000)}`, 431],
    ['endless chunk line', `${POST}transfer-encoding: chunked\r\n\r\n1;${'x'.repeat(2000)}`, 400],
  ];

  test.each(bad)('%s', (_name, text, status) => {
    expect(() => parse(text)).toThrow(HttpSyntaxError);
    try {
      parse(text);
    } catch (cause) {
      expect(cause).toMatchObject({ status });
    }
  });
});
