/** What a reply must be read as, however its bytes are cut. */
export interface ReplyCase {
  readonly name: string;
  /** Latin-1. */
  readonly bytes: string;
  readonly toHead?: true;
  /** The backend closes after the bytes. */
  readonly fin?: true;
  /** `STATUS body=BODY ENDING`; ENDING is done, done+close, done_by_close, broken or waiting. */
  readonly expected: string;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const broken = '- body= broken';

/** A good head, with one header line to try. */
const line = (text: string) => `${OK}${text}\r\ncontent-length: 0\r\n\r\n`;

export const REPLY_CASES: readonly ReplyCase[] = [
  // ── Lengths ────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'content-length',
    bytes: `${OK}Content-Length: 5\r\n\r\nhello`,
    expected: '200 body=hello done',
  },
  { name: 'empty body', bytes: `${OK}content-length: 0\r\n\r\n`, expected: '200 body= done' },
  { name: 'no reason, no blank', bytes: 'HTTP/1.1 204\r\n\r\n', expected: '204 body= done' },
  {
    name: 'no reason',
    bytes: 'HTTP/1.1 404 \r\ncontent-length:0\r\n\r\n',
    expected: '404 body= done',
  },
  {
    name: 'same length twice',
    bytes: `${OK}content-length: 2\r\nContent-Length:2 \r\n\r\nhi`,
    expected: '200 body=hi done',
  },
  {
    name: 'part of a body',
    bytes: `${OK}content-length: 9\r\n\r\nhello`,
    expected: '200 body=hello waiting',
  },
  {
    name: 'body cut by FIN',
    bytes: `${OK}content-length: 9\r\n\r\nhello`,
    fin: true,
    expected: '200 body=hello broken',
  },
  {
    name: 'bytes after the end',
    bytes: `${OK}content-length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n`,
    expected: '200 body=hi done+close',
  },
  {
    name: 'lengths differ',
    bytes: `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nhi`,
    expected: broken,
  },
  { name: 'length list', bytes: `${OK}content-length: 2, 2\r\n\r\nhi`, expected: broken },
  ...['', '-1', '+1', '0x2', '1e1', '2 2', 'two', '9'.repeat(16)].map((value) => ({
    name: `length "${value.slice(0, 5)}"`,
    bytes: `${OK}content-length: ${value}\r\n\r\nhi`,
    expected: broken,
  })),

  // ── No body ────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'HEAD',
    bytes: `${OK}content-length: 500\r\n\r\n`,
    toHead: true,
    expected: '200 body= done',
  },
  { name: 'HEAD, chunked', bytes: CHUNKED, toHead: true, expected: '200 body= done' },
  {
    name: '204 with a length',
    bytes: 'HTTP/1.1 204 No\r\ncontent-length: 3\r\n\r\n',
    expected: '204 body= done',
  },
  {
    name: '304 with a length',
    bytes: 'HTTP/1.1 304 No\r\ncontent-length: 3\r\n\r\n',
    expected: '304 body= done',
  },
  {
    name: '204 with a body after all',
    bytes: 'HTTP/1.1 204 No\r\n\r\nabc',
    expected: '204 body= done+close',
  },

  // ── Until close ────────────────────────────────────────────────────────────────────────────────
  {
    name: 'close-delimited',
    bytes: `${OK}\r\nall of it`,
    fin: true,
    expected: '200 body=all of it done_by_close',
  },
  { name: 'close-delimited, open', bytes: `${OK}\r\nsome`, expected: '200 body=some waiting' },
  {
    name: 'close-delimited, empty',
    bytes: `${OK}\r\n`,
    fin: true,
    expected: '200 body= done_by_close',
  },
  {
    name: 'HTTP/1.0',
    bytes: 'HTTP/1.0 200 OK\r\n\r\nold',
    fin: true,
    expected: '200 body=old done_by_close',
  },
  {
    name: 'HTTP/1.0 with a length',
    bytes: 'HTTP/1.0 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nold',
    expected: '200 body=old done+close',
  },

  // ── Keeping the connection ─────────────────────────────────────────────────────────────────────
  {
    name: 'connection: close',
    bytes: `${OK}connection: Close\r\ncontent-length: 0\r\n\r\n`,
    expected: '200 body= done+close',
  },
  {
    name: 'connection list',
    bytes: `${OK}connection: x-a, close\r\ncontent-length: 0\r\n\r\n`,
    expected: '200 body= done+close',
  },
  {
    name: 'connection twice',
    bytes: `${OK}connection: keep-alive\r\nconnection:\tclose\r\ncontent-length: 0\r\n\r\n`,
    expected: '200 body= done+close',
  },
  {
    name: 'connection: closed is not close',
    bytes: `${OK}connection: closed\r\ncontent-length: 0\r\n\r\n`,
    expected: '200 body= done',
  },

  // ── Interim replies ────────────────────────────────────────────────────────────────────────────
  {
    name: '100 and 103 first',
    bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n${OK}content-length: 2\r\n\r\nhi`,
    expected: '200 body=hi done',
  },
  {
    name: '16 interims',
    bytes: `${'HTTP/1.1 102 P\r\n\r\n'.repeat(16)}${OK}content-length: 0\r\n\r\n`,
    expected: '200 body= done',
  },
  {
    name: '17 interims',
    bytes: `${'HTTP/1.1 102 P\r\n\r\n'.repeat(17)}${OK}content-length: 0\r\n\r\n`,
    expected: broken,
  },
  { name: '101', bytes: 'HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n', expected: broken },

  // ── Malformed heads ────────────────────────────────────────────────────────────────────────────
  ...[
    ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
    ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['lower case', 'http/1.1 200 OK\r\n\r\n'],
    ['two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['status 600', 'HTTP/1.1 600 OK\r\n\r\n'],
    ['status 000', 'HTTP/1.1 000 OK\r\n\r\n'],
    ['two blanks', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
    ['leading empty line', `\r\n${OK}content-length: 0\r\n\r\n`],
    ['leading blank', ` ${OK}content-length: 0\r\n\r\n`],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['TLS alert', '\x15\x03\x01\x00\x02\x02\x28'],
    ['bare LF lines', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
    ['one bare LF', `${OK}x-a: 1\ncontent-length: 0\r\n\r\n`],
    ['one bare CR', line('x-a: 1\rx-b: 2')],
    ['folded line', line('x-a: 1\r\n 2')],
    ['folded with a tab', line('x-a: 1\r\n\t2')],
    ['blank before the colon', line('x-a : 1')],
    ['no colon', line('x-a')],
    ['no name', line(': 1')],
    ['name not a token', line('x(a): 1')],
    ['name above ASCII', line('x\xe9: 1')],
    ['NUL in a value', line('x-a: \0')],
    ['DEL in a value', line('x-a: \x7f')],
    ['201 lines', `${OK}${'a: b\r\n'.repeat(201)}\r\n`],
    ['a huge line', line(`x-a: ${'y'.repeat(70_000)}`)],
    ['a huge head without end', `${OK}x-a: ${'y'.repeat(70_000)}`],
    ['FIN in the head', `${OK}content-le`, 'fin'],
    ['FIN before anything', '', 'fin'],
  ].map(([name = '', bytes = '', fin]) => ({
    name,
    bytes,
    ...(fin === undefined ? {} : { fin: true as const }),
    expected: broken,
  })),
  {
    name: 'obs-text and empty values',
    bytes: line('x-a: \xe9\xa0\r\nx-b:\r\nx-c:\t \t'),
    expected: '200 body= done',
  },
  {
    name: '199 lines',
    bytes: line(Array(199).fill('a: b').join('\r\n')),
    expected: '200 body= done',
  },
  { name: 'a head that is not over', bytes: `${OK}x-a: 1\r\n`, expected: '- body= waiting' },

  // ── Chunked ────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'chunks',
    bytes: `${CHUNKED}3\r\nfoo\r\nA\r\n0123456789\r\n0\r\n\r\n`,
    expected: '200 body=foo0123456789 done',
  },
  {
    name: 'coding in another case',
    bytes: `${OK}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n`,
    expected: '200 body= done',
  },
  {
    name: 'extensions',
    bytes: `${CHUNKED}3;a=b;c="d\te"\r\nfoo\r\n2 ;x\r\nhi\r\n0;z\r\n\r\n`,
    expected: '200 body=foohi done',
  },
  {
    name: 'padded sizes',
    bytes: `${CHUNKED}0003  \r\nfoo\r\n000\r\n\r\n`,
    expected: '200 body=foo done',
  },
  {
    name: 'trailers',
    bytes: `${CHUNKED}1\r\na\r\n0\r\nx-sum: 1\r\nX-B:\r\n\r\n`,
    expected: '200 body=a done',
  },
  {
    name: 'chunk data that looks like framing',
    bytes: `${CHUNKED}7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n`,
    expected: '200 body=\r\n0\r\n\r\n done',
  },
  {
    name: 'bytes after the last chunk',
    bytes: `${CHUNKED}0\r\n\r\nX`,
    expected: '200 body= done+close',
  },
  { name: 'no last chunk', bytes: `${CHUNKED}3\r\nfoo\r\n`, expected: '200 body=foo waiting' },
  {
    name: 'FIN before the last chunk',
    bytes: `${CHUNKED}3\r\nfoo\r\n`,
    fin: true,
    expected: '200 body=foo broken',
  },
  {
    name: 'FIN inside a chunk',
    bytes: `${CHUNKED}5\r\nfoo`,
    fin: true,
    expected: '200 body=foo broken',
  },
  {
    name: 'FIN before the last line',
    bytes: `${CHUNKED}3\r\nfoo\r\n0\r\n`,
    fin: true,
    expected: '200 body=foo broken',
  },
  ...[
    ['not a number', 'xyz\r\n'],
    ['no size', '\r\n'],
    ['only an extension', ';a=b\r\n'],
    ['negative', '-1\r\n'],
    ['0x', '0x3\r\nfoo\r\n'],
    ['size too long', `${'0'.repeat(13)}1\r\n`],
    ['size overflow', 'FFFFFFFFFFFFFFFF\r\n'],
    ['LF after the size', '3\nfoo'],
    ['CR without LF', '3\rfoo'],
    ['NUL in an extension', '3;\0\r\nfoo'],
    ['extension too long', `3;${'x'.repeat(5_000)}\r\n`],
  ].map(([name, bytes]) => ({
    name: `chunk: ${name}`,
    bytes: CHUNKED + bytes,
    expected: '200 body= broken',
  })),
  ...[
    ['data longer than the size', '3\r\nfoobar\r\n'],
    ['LF after the data', '3\r\nfoo\n'],
    ['data without line break', '3\r\nfoo0\r\n\r\n'],
    ['trailer without a colon', '3\r\nfoo\r\n0\r\nbad\r\n\r\n'],
    ['trailer with a bare LF', '3\r\nfoo\r\n0\r\na: b\n\r\n'],
    ['folded trailer', '3\r\nfoo\r\n0\r\na: b\r\n c\r\n\r\n'],
    ['endless trailers', `3\r\nfoo\r\n0\r\n${'a: b\r\n'.repeat(4_000)}`],
    ['another request instead of CR LF', '3\r\nfoo\r\n0\r\nGET /'],
  ].map(([name, bytes]) => ({
    name: `chunk: ${name}`,
    bytes: CHUNKED + bytes,
    expected: '200 body=foo broken',
  })),

  // ── Ambiguous framing ──────────────────────────────────────────────────────────────────────────
  ...[
    ['coding and length', 'transfer-encoding: chunked\r\ncontent-length: 5'],
    ['gzip', 'transfer-encoding: gzip'],
    ['gzip, chunked', 'transfer-encoding: gzip, chunked'],
    ['chunked, chunked', 'transfer-encoding: chunked, chunked'],
    ['chunked twice', 'transfer-encoding: chunked\r\ntransfer-encoding: chunked'],
    ['identity', 'transfer-encoding: identity'],
    ['quoted', 'transfer-encoding: "chunked"'],
    ['with a vertical tab', 'transfer-encoding: \x0bchunked'],
    ['empty', 'transfer-encoding:'],
  ].map(([name, lines]) => ({
    name: `coding: ${name}`,
    bytes: `${OK}${lines}\r\n\r\n0\r\n\r\n`,
    expected: broken,
  })),
  {
    name: 'coding in HTTP/1.0',
    bytes: 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    expected: broken,
  },
  {
    name: 'coding and length to HEAD',
    bytes: `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n`,
    toHead: true,
    expected: broken,
  },
];
