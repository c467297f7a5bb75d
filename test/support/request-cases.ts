/** What a request must be read as, however its bytes are cut. */
export interface RequestCase {
  readonly name: string;
  /** Latin-1. */
  readonly bytes: string;
  /**
   * One word for each reply: its status, and for requests that were handled what they said. Then
   * `open`, `closed`, or `waiting` for more bytes.
   */
  readonly expected: string;
}

const HOST = 'Host: a.example\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}`;
const POST = `POST /p HTTP/1.1\r\n${HOST}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const got = (said: string) => `200(${said})`;
const refused = '400 closed';

/** A good head, with one header line to try. */
const line = (text: string) => `${GET}${text}\r\n\r\n`;

export const REQUEST_CASES: readonly RequestCase[] = [
  // ── Request lines ──────────────────────────────────────────────────────────────────────────────
  { name: 'a plain request', bytes: `${GET}\r\n`, expected: `${got('GET /')} open` },
  {
    name: 'a query',
    bytes: `GET /a/b?c=d?e HTTP/1.1\r\n${HOST}\r\n`,
    expected: `${got('GET /a/b ?c=d?e')} open`,
  },
  {
    name: 'dots and escapes stay as they are',
    bytes: `GET /a/../%2e%2e//b HTTP/1.1\r\n${HOST}\r\n`,
    expected: `${got('GET /a/../%2e%2e//b')} open`,
  },
  {
    name: 'a whole URL',
    bytes: `GET http://a.example:80/x?y HTTP/1.1\r\n${HOST}\r\n`,
    expected: `${got('GET /x ?y')} open`,
  },
  {
    name: 'a URL without a path',
    bytes: `GET http://a.example?y HTTP/1.1\r\n${HOST}\r\n`,
    expected: `${got('GET / ?y')} open`,
  },
  { name: 'an asterisk', bytes: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'an authority', bytes: `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a relative path', bytes: `GET a HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a scheme of no web', bytes: `GET ftp://a/ HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'two blanks', bytes: `GET  / HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a blank in the path', bytes: `GET /a b HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a tab', bytes: `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a blank at the end', bytes: `GET / HTTP/1.1 \r\n${HOST}\r\n`, expected: refused },
  { name: 'a path above ASCII', bytes: `GET /\xe4 HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a control in the path', bytes: `GET /\x01 HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'no version', bytes: `GET /\r\n${HOST}\r\n`, expected: refused },
  { name: 'a newer version', bytes: `GET / HTTP/2.0\r\n${HOST}\r\n`, expected: refused },
  { name: 'another minor version', bytes: `GET / HTTP/1.2\r\n${HOST}\r\n`, expected: refused },
  { name: 'a version in lower case', bytes: `GET / http/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'the greeting of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', expected: refused },
  { name: 'no method', bytes: ` / HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a method that is no token', bytes: `G(T / HTTP/1.1\r\n${HOST}\r\n`, expected: refused },
  { name: 'a TLS greeting', bytes: '\x16\x03\x01\x02\x00\x01\x00', expected: refused },
  {
    name: 'a line break before it',
    bytes: `\r\n${GET}\r\n`,
    expected: `${got('GET /')} open`,
  },
  { name: 'two line breaks before it', bytes: `\r\n\r\n${GET}\r\n`, expected: refused },
  { name: 'a bare LF before it', bytes: `\n${GET}\r\n`, expected: refused },

  // ── Header lines ───────────────────────────────────────────────────────────────────────────────
  { name: 'a good line', bytes: line('x-a:\t b c \t'), expected: `${got('GET / x-a=b c')} open` },
  { name: 'an empty value', bytes: line('x-a:'), expected: `${got('GET / x-a=')} open` },
  {
    name: 'a line twice',
    bytes: line('x-a: 1\r\nX-A: 2'),
    expected: `${got('GET / x-a=1, 2')} open`,
  },
  {
    name: 'a value above ASCII',
    bytes: line('x-a: \xe4\xa0'),
    expected: `${got('GET / x-a=\xe4\xa0')} open`,
  },
  { name: 'a blank before the colon', bytes: line('x-a : 1'), expected: refused },
  { name: 'a folded line', bytes: line('x-a: 1\r\n 2'), expected: refused },
  { name: 'a folded first line', bytes: `GET / HTTP/1.1\r\n ${HOST}\r\n`, expected: refused },
  { name: 'no name', bytes: line(': 1'), expected: refused },
  { name: 'no colon', bytes: line('x-a'), expected: refused },
  { name: 'a name that is no token', bytes: line('x(a: 1'), expected: refused },
  { name: 'a bare CR', bytes: line('x-a: 1\rx-b: 2'), expected: refused },
  { name: 'a bare LF', bytes: line('x-a: 1\nx-b: 2'), expected: refused },
  { name: 'a NUL', bytes: line('x-a: \0'), expected: refused },
  { name: 'a DEL', bytes: line('x-a: \x7f'), expected: refused },
  { name: 'CR CR LF', bytes: line('x-a: 1\r'), expected: refused },
  {
    name: '200 lines',
    bytes: `${GET}${'x: 1\r\n'.repeat(199)}\r\n`,
    expected: `${got('GET /')} open`,
  },
  { name: '201 lines', bytes: `${GET}${'x: 1\r\n'.repeat(200)}\r\n`, expected: '431 closed' },
  {
    name: 'a long head',
    bytes: `${GET}x: ${'y'.repeat(65_000)}\r\n\r\n`,
    expected: `${got('GET /')} open`,
  },
  {
    name: 'a head that is too long',
    bytes: `${GET}x: ${'y'.repeat(65_536)}\r\n\r\n`,
    expected: '431 closed',
  },

  // ── Hosts ──────────────────────────────────────────────────────────────────────────────────────
  { name: 'no host', bytes: 'GET / HTTP/1.1\r\n\r\n', expected: refused },
  { name: 'no host in HTTP/1.0', bytes: 'GET / HTTP/1.0\r\n\r\n', expected: '200(GET /) closed' },
  { name: 'two hosts', bytes: line(`Host: a.example`), expected: refused },
  { name: 'a path in the host', bytes: 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', expected: refused },
  { name: 'a user in the host', bytes: 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', expected: refused },
  { name: 'a blank in the host', bytes: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', expected: refused },
  { name: 'a list of hosts', bytes: 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', expected: refused },
  { name: 'an empty host', bytes: 'GET / HTTP/1.1\r\nHost:\r\n\r\n', expected: '200(GET /) open' },
  {
    name: 'an address with a port',
    bytes: 'GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n',
    expected: `${got('GET /')} open`,
  },
  { name: 'a port of letters', bytes: 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', expected: refused },

  // ── Bodies with a length ───────────────────────────────────────────────────────────────────────
  {
    name: 'a length',
    bytes: `${POST}Content-Length: 5\r\n\r\nhello`,
    expected: `${got('POST /p hello')} open`,
  },
  {
    name: 'no body',
    bytes: `${POST}content-length: 0\r\n\r\n`,
    expected: `${got('POST /p')} open`,
  },
  {
    name: 'less than the length',
    bytes: `${POST}content-length: 5\r\n\r\nhel`,
    expected: 'waiting',
  },
  {
    name: 'a line break after a body',
    bytes: `${POST}content-length: 5\r\n\r\nhello\r\n${GET}\r\n`,
    expected: `${got('POST /p hello')} ${got('GET /')} open`,
  },
  {
    name: 'more than the length',
    bytes: `${POST}content-length: 4\r\n\r\nhello`,
    expected: `${got('POST /p hell')} waiting`,
  },
  { name: 'two lengths', bytes: line('content-length: 1\r\ncontent-length: 2'), expected: refused },
  {
    name: 'one length twice',
    bytes: line('content-length: 0\r\ncontent-length: 0'),
    expected: refused,
  },
  { name: 'a list of lengths', bytes: line('content-length: 0, 0'), expected: refused },
  { name: 'a negative length', bytes: line('content-length: -1'), expected: refused },
  { name: 'a signed length', bytes: line('content-length: +0'), expected: refused },
  { name: 'a hexadecimal length', bytes: line('content-length: 0x0'), expected: refused },
  { name: 'an empty length', bytes: line('content-length:'), expected: refused },
  { name: 'a length in two words', bytes: line('content-length: 0 0'), expected: refused },
  { name: 'too long a length', bytes: line('content-length: 1234567890123456'), expected: refused },

  // ── Chunked bodies ─────────────────────────────────────────────────────────────────────────────
  {
    name: 'chunks',
    bytes: `${CHUNKED}3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n`,
    expected: `${got('POST /p hello')} open`,
  },
  {
    name: 'no chunk',
    bytes: `${CHUNKED}0\r\n\r\n`,
    expected: `${got('POST /p')} open`,
  },
  {
    name: 'trailers',
    bytes: `${CHUNKED}1\r\na\r\n0\r\nx-a: 1\r\n\r\n${GET}\r\n`,
    expected: `${got('POST /p a')} ${got('GET /')} open`,
  },
  { name: 'half a chunk', bytes: `${CHUNKED}5\r\nhel`, expected: 'waiting' },
  { name: 'a chunk without a size', bytes: `${CHUNKED}\r\nhel\r\n`, expected: refused },
  { name: 'a chunk longer than its size', bytes: `${CHUNKED}2\r\nhello\r\n`, expected: refused },
  { name: 'a chunk ended by LF', bytes: `${CHUNKED}2\nhe\r\n0\r\n\r\n`, expected: refused },
  {
    name: 'CHUNKED',
    bytes: `${POST}Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n`,
    expected: `${got('POST /p')} open`,
  },
  {
    name: 'chunks and a length',
    bytes: `${POST}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    expected: refused,
  },
  {
    name: 'a length and chunks',
    bytes: `${POST}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
    expected: refused,
  },
  {
    name: 'chunks twice',
    bytes: `${POST}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    expected: refused,
  },
  {
    name: 'gzip, chunked',
    bytes: line('transfer-encoding: gzip, chunked'),
    expected: '501 closed',
  },
  { name: 'identity', bytes: line('transfer-encoding: identity'), expected: '501 closed' },
  {
    name: 'chunked in quotes',
    bytes: line('transfer-encoding: "chunked"'),
    expected: '501 closed',
  },
  { name: 'xchunked', bytes: line('transfer-encoding: xchunked'), expected: '501 closed' },
  { name: 'an empty coding', bytes: line('transfer-encoding:'), expected: '501 closed' },
  {
    name: 'a vertical tab before chunked',
    bytes: line('transfer-encoding: \vchunked'),
    expected: refused,
  },
  {
    name: 'chunks in HTTP/1.0',
    bytes: 'POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    expected: refused,
  },

  // ── One after another ──────────────────────────────────────────────────────────────────────────
  {
    name: 'requests sent ahead',
    bytes: `${GET}\r\n${POST}content-length: 2\r\n\r\nhi${CHUNKED}1\r\na\r\n0\r\n\r\n${GET}\r\n`,
    expected: `${got('GET /')} ${got('POST /p hi')} ${got('POST /p a')} ${got('GET /')} open`,
  },
  {
    name: 'the same head with other lengths',
    bytes: ['hi', 'hello', 'hi', '']
      .map((body) => `${POST}content-length: ${body.length}\r\n\r\n${body}`)
      .join(''),
    expected: `${got('POST /p hi')} ${got('POST /p hello')} ${got('POST /p hi')} ${got('POST /p')} open`,
  },
  {
    name: 'a length after none',
    bytes: ['', 'hello']
      .map((body) => `${POST}content-length: ${body.length}\r\n\r\n${body}`)
      .join(''),
    expected: `${got('POST /p')} ${got('POST /p hello')} open`,
  },
  {
    name: 'a repeated head with a second length',
    bytes: `${POST}content-length: 2\r\n\r\nhi${POST}content-length: 2\r\ncontent-length: 2\r\n\r\nhi`,
    expected: `${got('POST /p hi')} ${refused}`,
  },
  {
    name: 'nonsense after a request',
    bytes: `${GET}\r\nnonsense\r\n\r\n`,
    expected: `${got('GET /')} ${refused}`,
  },
  {
    name: 'close',
    bytes: `${line('connection: Close')}${GET}\r\n`,
    expected: `${got('GET /')} closed`,
  },
  {
    name: 'close among others',
    bytes: `${line('connection: keep-alive, close')}${GET}\r\n`,
    expected: `${got('GET /')} closed`,
  },
  { name: 'keep-alive', bytes: line('connection: Keep-Alive'), expected: `${got('GET /')} open` },
  {
    name: 'HTTP/1.0 closes',
    bytes: `GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n${GET}\r\n`,
    expected: `${got('GET /')} closed`,
  },

  // ── Expectations ───────────────────────────────────────────────────────────────────────────────
  {
    name: 'an expectation that nobody knows',
    bytes: `${POST}expect: more\r\ncontent-length: 2\r\n\r\nhi`,
    expected: '417 closed',
  },
  {
    name: 'nothing to continue with',
    bytes: line('expect: 100-continue'),
    expected: `${got('GET /')} open`,
  },
];
