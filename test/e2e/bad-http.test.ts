import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type BadInputLab,
  type BadRequest,
  CHAT,
  GOOD_BODY,
  startBadInputLab,
} from '../support/bad-input-lab.ts';
import type { RawCaller } from '../support/raw-caller.ts';

// HTTP that nobody should speak, to the compiled gateway. What the server's own parser refuses has
// no body, because there was no request yet: it is an empty 4xx and the connection closes.

let lab: BadInputLab;
beforeAll(async () => {
  lab = await startBadInputLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const parserRefuses = { status: 400 } as const;
const notHttp1 = { status: 505 } as const;
/** The request had begun: it is booked as one whose caller left. */
const brokenBody = { status: 400, row: 'caller_gone' } as const;

const CHUNKED = 'Transfer-Encoding: chunked';
const SIZE = GOOD_BODY.length.toString(16);
const ONE_CHUNK = `${SIZE}\r\n${GOOD_BODY}\r\n0\r\n\r\n`;

/** A request in chunks of which only the framing is wrong. */
function chunked(name: string, body: string): BadRequest {
  return { name, ...brokenBody, length: null, headers: [CHUNKED], body };
}

const lengths: BadRequest[] = [
  ...['', '+61', '-1', '0x3d', 'abc', '61, 61', '61 61', '6.1e1'].map((length) => ({
    name: `Content-Length: ${length}`,
    ...parserRefuses,
    length,
    body: GOOD_BODY,
  })),
  {
    name: 'two different Content-Lengths',
    ...parserRefuses,
    headers: ['Content-Length: 5'],
    body: GOOD_BODY,
  },
  {
    name: 'a length and chunks',
    ...parserRefuses,
    headers: [CHUNKED],
    body: ONE_CHUNK,
  },
  ...[
    'gzip, chunked',
    'chunked, identity',
    'identity',
    'xchunked',
    '\x0bchunked',
    'chunked, chunked',
  ].map((coding) => ({
    name: `Transfer-Encoding: ${JSON.stringify(coding)}`,
    ...parserRefuses,
    length: null,
    headers: [`Transfer-Encoding: ${coding}`],
    body: ONE_CHUNK,
  })),
  {
    name: 'Transfer-Encoding twice',
    ...parserRefuses,
    length: null,
    headers: [CHUNKED, CHUNKED],
    body: ONE_CHUNK,
  },
  {
    name: 'a space before the colon of Transfer-Encoding',
    ...parserRefuses,
    length: null,
    headers: ['Transfer-Encoding : chunked'],
    body: ONE_CHUNK,
  },
  {
    name: 'chunks over HTTP/1.0',
    ...parserRefuses,
    version: 'HTTP/1.0',
    length: null,
    headers: [CHUNKED],
    body: ONE_CHUNK,
  },
  chunked('a chunk size that is no number', 'zz\r\nabc\r\n0\r\n\r\n'),
  chunked('a chunk size beyond 64 bits', 'ffffffffffffffffff\r\nabc\r\n0\r\n\r\n'),
  chunked('a chunk size with 0x', `0x${SIZE}\r\n${GOOD_BODY}\r\n0\r\n\r\n`),
  chunked('a chunk longer than its size', `${SIZE}\r\n${GOOD_BODY}XX0\r\n\r\n`),
  chunked('a last chunk without its line end', `${SIZE}\r\n${GOOD_BODY}\r\n0\r\nXX`),
  chunked('chunks with bare line feeds', `${SIZE}\n${GOOD_BODY}\n0\n\n`),
  chunked('trailers', `${SIZE}\r\n${GOOD_BODY}\r\n0\r\nX-A: b\r\n\r\n`),
];

const badHost = { status: 400, code: 'invalid_request', row: null, closes: true } as const;
const tooLarge = { status: 431 } as const;

const heads: BadRequest[] = [
  ...['X-A: b\r\n c', 'X-A: b\rc', 'X-A: b\0c', 'X-A: b\x01c', 'X A: b', ': b', 'hello'].map(
    (header) => ({
      name: `header ${JSON.stringify(header)}`,
      ...parserRefuses,
      headers: [header],
      body: GOOD_BODY,
    }),
  ),
  {
    name: 'DEL in a header',
    status: 400,
    code: 'invalid_request',
    headers: ['X-A: b\x7fc'],
    body: GOOD_BODY,
    says: 'header x-a',
  },
  { name: 'no Host', ...parserRefuses, host: null, body: GOOD_BODY },
  ...['a/#', 'a/?', 'a/healthz?', 'a b', 'x@y', '../', 'a\\b', 'a"b', '\xe9'].map((host) => ({
    name: `Host: ${host}`,
    ...badHost,
    host,
    body: GOOD_BODY,
  })),
  {
    name: 'a Host that would move the path',
    ...badHost,
    method: 'GET',
    target: '/x://y/v1/models',
    host: 'a/#',
  },
  { name: 'a header of 64 KB', ...tooLarge, headers: [`X-A: ${'a'.repeat(65_536)}`] },
  { name: 'a header of 1 MB', ...tooLarge, headers: [`X-A: ${'a'.repeat(1_000_000)}`] },
  {
    name: '1000 headers',
    ...tooLarge,
    headers: Array.from({ length: 1_000 }, (_, n) => `X-${n}: a`),
  },
  { name: 'a target of 64 KB', ...tooLarge, target: `${CHAT}?${'a'.repeat(65_536)}` },
  { name: 'HTTP/1.2', ...notHttp1, version: 'HTTP/1.2', body: GOOD_BODY },
  { name: 'HTTP/2.0', ...notHttp1, version: 'HTTP/2.0', body: GOOD_BODY },
  { name: 'HTTP/0.9', ...notHttp1, raw: 'GET /healthz\r\n\r\n' },
  { name: 'bare line feeds', ...notHttp1, raw: 'GET /healthz HTTP/1.1\nHost: x\n\n' },
];

const noRoute = { status: 404, code: 'route_not_found', row: null, method: 'GET' } as const;

const paths: BadRequest[] = [
  ...[
    '/',
    '/v1',
    '//v1/models',
    '/v1//models',
    '/v1%2fmodels',
    '/v1/%6dodels',
    '/v1/models;x',
    '/v1/models.',
    '/v1/models/',
    '/v1/models%00',
    '/v1/models\\',
    '/v1/models/..',
    '/V1/models',
    '/v1/Models',
    '/admin/v1/keys',
    '/metrics',
    '/openapi.json',
    '/v1/messages/batches',
  ].map((target) => ({ name: target, ...noRoute, target })),
  ...['\\v1\\models', 'v1/models', 'ftp://localhost/v1/models', ''].map((target) => ({
    name: `target ${JSON.stringify(target)}`,
    ...parserRefuses,
    method: 'GET',
    target,
  })),
  { name: 'a space in the target', ...notHttp1, method: 'GET', target: '/v1/mod els' },
  ...['nobody', 'hidden', '%68idden', '..%2f..%2fetc%2fpasswd', 'small%00', '%E0%A4%A'].map(
    (model) => ({
      name: `/v1/models/${model}`,
      status: 404,
      code: 'model_not_found',
      param: 'model',
      method: 'GET',
      target: `/v1/models/${model}`,
    }),
  ),
];

const noMethod = { status: 405, code: 'method_not_allowed', row: null } as const;
const WEBSOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

const methods: BadRequest[] = [
  ...['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'].map(
    (method) => ({ name: method, ...noMethod, method }),
  ),
  { name: 'PUT on /v1/messages', ...noMethod, method: 'PUT', target: '/v1/messages' },
  { name: 'POST on /v1/models', ...noMethod, target: '/v1/models', body: GOOD_BODY },
  { name: 'HEAD on /v1/models', ...noMethod, method: 'HEAD', target: '/v1/models' },
  {
    name: 'CONNECT to elsewhere',
    ...noRoute,
    method: 'CONNECT',
    target: 'example.com:443',
    isUnfinished: true,
  },
  ...['FOO', 'get', 'X'.repeat(100)].map((method) => ({
    name: `no method at all: ${method.slice(0, 10)}`,
    status: 'closed' as const,
    method,
  })),
  { name: 'a WebSocket on a POST route', ...noMethod, method: 'GET', headers: WEBSOCKET },
];

const otherProtocols: BadRequest[] = [
  { name: 'the preface of HTTP/2', ...parserRefuses, raw: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  {
    name: 'a TLS ClientHello',
    ...parserRefuses,
    raw: Buffer.from(`16030100c8010000c40303${'00'.repeat(195)}`, 'hex'),
  },
  {
    name: 'noise',
    ...parserRefuses,
    raw: Uint8Array.from({ length: 4_096 }, (_, at) => (at * 7_919) % 256),
  },
  { name: 'words', ...parserRefuses, raw: 'hello\r\nworld\r\n\r\n' },
  { name: 'SSH', ...parserRefuses, raw: 'SSH-2.0-OpenSSH_9.0\r\n' },
  {
    name: 'the PROXY protocol',
    ...parserRefuses,
    raw: 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
  },
  { name: 'OPTIONS *', ...parserRefuses, method: 'OPTIONS', target: '*' },
];

const noKey = {
  status: 401,
  code: 'invalid_api_key',
  row: null,
  key: null,
  method: 'GET',
} as const;

/** `GET /v1/models` with these headers and no other credential. */
function withHeaders(...headers: string[]): BadRequest {
  const name = headers.join(' + ').slice(0, 60) || 'none';
  return { name: JSON.stringify(name), ...noKey, target: '/v1/models', headers };
}

const credentials: BadRequest[] = [
  withHeaders(),
  withHeaders('Authorization:'),
  withHeaders('Authorization: Bearer'),
  withHeaders('Authorization: Bearer null'),
  withHeaders('Authorization: %KEY%'),
  withHeaders('Authorization: Basic %KEY%'),
  withHeaders('Authorization: Bearer %KEY%x'),
  withHeaders('Authorization: Bearer %KEY%\x7f'),
  withHeaders('Authorization: Bearer %KEY%\xf0\x9f\x98\x80'),
  withHeaders('Authorization: Bearer %KEY%, Bearer %KEY%'),
  withHeaders('Authorization: Bearer %KEY%', 'Authorization: Bearer sk-x'),
  withHeaders('Authorization: Bearer %KEY%', 'x-api-key: sk-other'),
  withHeaders('x-api-key: %KEY%', 'x-api-key: %KEY%'),
  withHeaders('Proxy-Authorization: Bearer %KEY%'),
  withHeaders('Cookie: key=%KEY%'),
  withHeaders(`Authorization: Bearer sk-lg-'; DROP TABLE keys;--`),
  withHeaders(`Authorization: Bearer sk-lg-"' OR 1=1`),
  withHeaders(`Authorization: Bearer ${'a'.repeat(1_000)}`),
  withHeaders(`Authorization: Bearer ${'a'.repeat(12_000)}`),
  ...['?key=%KEY%', '?api_key=%KEY%', '?x=%KEY%', '?KEY=abc', '?x=%73k-lg-abc', '/%KEY%'].map(
    (rest) => ({
      name: `a good key and a key in the URL: ${rest}`,
      ...noKey,
      target: `/v1/models${rest}`,
      headers: ['Authorization: Bearer %KEY%'],
    }),
  ),
];

describe.each([
  ['lengths and codings', lengths],
  ['heads', heads],
  ['paths', paths],
  ['methods', methods],
  ['other protocols', otherProtocols],
  ['credentials', credentials],
])('%s', (_name, table) => {
  test.each(table)('$name', async (bad) => {
    await lab.refuse(bad);
  });
});

describe('credentials', () => {
  test('every refusal reads the same', async () => {
    const bodies = new Set<string>();
    for (const bad of credentials) {
      const reply = await lab.ask(lab.write(bad));
      if (reply === 'closed') throw new Error('closed');
      expect(reply.headers.get('www-authenticate')).toBe('Bearer');
      bodies.add(reply.body);
    }
    expect(bodies.size).toBe(1);
  });

  test.each<BadRequest>([
    {
      ...withHeaders(`Authorization: Bearer ${'a'.repeat(1_000_000)}`),
      name: 'a key of 1 MB',
      status: 431,
    },
    { ...withHeaders('Authorization: Bearer %KEY%\x01'), status: 400 },
    { ...withHeaders('Authorization: Bearer sk-lg-\r\n %KEY%'), status: 400 },
  ])('no request at all: $name', async ({ code: _, ...bad }) => {
    await lab.refuse(bad);
  });

  test.each([
    'Authorization: bearer %KEY%',
    'Authorization: BEARER   %KEY%  ',
    'x-api-key: %KEY%',
    'api-key: %KEY%',
    'x-goog-api-key: %KEY%',
  ])('taken: %s', async (header) => {
    const asked = { method: 'GET', target: '/v1/models', key: null, headers: [header] };
    expect(await lab.ask(lab.write(asked))).toMatchObject({ status: 200 });
  });
});

describe('other spellings of one request', () => {
  const spellings = [
    '/v1/./models',
    '/v1/../v1/models',
    '/healthz/../v1/models',
    '/%2e/v1/models',
    '/v1/models?x=1',
    '/v1/models#x',
    'http://elsewhere.example/v1/models',
    'https://elsewhere.example:1/v1/models',
  ];

  test.each(spellings)('%s is /v1/models, and so needs a key', async (target) => {
    const asked = { method: 'GET', target, contentType: null };
    expect(await lab.ask(lab.write(asked))).toMatchObject({ status: 200 });
    expect(await lab.ask(lab.write({ ...asked, key: null }))).toMatchObject({ status: 401 });
  });

  test.each([
    ['a body in chunks', { length: null, headers: [CHUNKED], body: ONE_CHUNK }],
    ['the same length twice', { headers: [`Content-Length: ${GOOD_BODY.length}`] }],
    ['HTTP/1.0', { version: 'HTTP/1.0' }],
    ['bytes above ASCII in a header', { headers: ['X-A: \x80\xff'] }],
    ['a header of 15 KB', { headers: [`X-A: ${'a'.repeat(15_000)}`] }],
    ['two Hosts', { headers: ['Host: elsewhere'] }],
    ['an Upgrade to WebSocket', { headers: WEBSOCKET }],
    [
      'an Upgrade to HTTP/2',
      {
        headers: [
          'Connection: Upgrade, HTTP2-Settings',
          'Upgrade: h2c',
          'HTTP2-Settings: AAMAAABk',
        ],
      },
    ],
  ])('%s is a request like any other', async (_name, writing) => {
    const reply = await lab.ask(lab.write({ body: GOOD_BODY, ...writing }));
    expect(reply).toMatchObject({ status: 200 });
    const seen = lab.mock.requests().at(-1);
    expect(seen).toMatchObject({ path: CHAT, body: GOOD_BODY });
    expect(seen?.headers).toMatchObject({ 'content-length': String(GOOD_BODY.length) });
    for (const name of ['transfer-encoding', 'upgrade', 'http2-settings', 'authorization']) {
      expect(seen?.headers).not.toHaveProperty(name);
    }
    expect(seen?.headers['host']).toBe(new URL(lab.mock.url).host);
  });

  test('405 says which method the path has', async () => {
    const asked = { method: 'DELETE', contentType: null, length: null };
    const onChat = await lab.ask(lab.write(asked));
    const onModel = await lab.ask(lab.write({ ...asked, target: '/v1/models/small' }));
    expect(
      [onChat, onModel].map((reply) => reply !== 'closed' && reply.headers.get('allow')),
    ).toEqual(['POST', 'GET']);
  });
});

describe('Expect: 100-continue', () => {
  const asking = { headers: ['Expect: 100-continue'], length: GOOD_BODY.length };

  test('is answered at once, and the body is then read', async () => {
    using caller = await lab.connect();
    await caller.write(lab.write(asking));
    expect(await caller.reply()).toMatchObject({ status: 100 });
    await caller.write(GOOD_BODY);
    expect(await caller.reply()).toMatchObject({ status: 200 });
    expect(await caller.isReusable()).toBe(true);
  });

  test.each([
    ['without a key', 401, { key: null }],
    ['for a body that is too large', 413, { length: 50_000_000 }],
  ])('%s the refusal follows without the body', async (_name, status, writing) => {
    using caller = await lab.connect();
    await caller.write(lab.write({ ...asking, ...writing }));
    expect(await caller.reply()).toMatchObject({ status: 100 });
    expect(await caller.reply()).toMatchObject({ status });
  });
});

test('nothing is smuggled behind a body: a second request in the same breath is never answered', async () => {
  const seenBefore = lab.mock.stats().requests;
  using caller = await lab.connect();
  const first = lab.write({ length: null, headers: [CHUNKED], body: ONE_CHUNK });
  await caller.write(`${first.toString('latin1')}GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n`);
  const reply = await caller.reply();
  if (reply !== 'closed') expect(reply.status).toBe(200);
  await caller.closed();
  expect(await caller.reply()).toBe('closed');
  expect(lab.mock.stats().requests - seenBefore).toBeLessThanOrEqual(1);
});

test('what a length cuts off the body is no request', async () => {
  const seenBefore = lab.mock.stats().requests;
  using caller = await lab.connect();
  await caller.write(lab.write({ body: GOOD_BODY, length: GOOD_BODY.length - 1 }));
  expect(await caller.reply()).toMatchObject({ status: 400 });
  await caller.write('\r\n\r\n');
  await caller.closed();
  expect(lab.mock.stats().requests).toBe(seenBefore);
});

test('callers who say nothing, half a head or half a body are in nobody’s way', async () => {
  const slow: RawCaller[] = [];
  for (let each = 0; each < 100; each += 1) {
    const caller = await lab.connect();
    const writing = lab.write({ body: GOOD_BODY }).toString('latin1');
    await caller.write(writing.slice(0, [0, 40, -20][each % 3]));
    slow.push(caller);
  }
  const startedMs = performance.now();
  for (let each = 0; each < 20; each += 1) {
    expect(await lab.ask(lab.write({ body: GOOD_BODY }))).toMatchObject({ status: 200 });
  }
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  for (const caller of slow) caller[Symbol.dispose]();
});

test('after all of it the books agree and no secret is in the log', async () => {
  expect(lab.serve.query('SELECT * FROM open_requests')).toEqual([]);
  const check = await lab.serve.run('ledger', 'check');
  expect(check).toMatchObject({ code: 0 });
  expect(lab.log()).not.toContain(lab.key.key.slice(19));
  expect(lab.log()).not.toMatch(/"level":"error"/);
});

test('a caller who never finishes a body does not keep the gateway from stopping', async () => {
  await using other = await startBadInputLab();
  using caller = await other.connect();
  await caller.write(other.write({ length: 500, headers: ['Expect: 100-continue'] }));
  await caller.until('100 Continue');
  const startedMs = performance.now();
  // The first drains for as long as it takes, the second cuts.
  other.process.signal('SIGTERM');
  await other.process.untilLine(/"event":"draining"/);
  other.process.signal('SIGTERM');
  await caller.closed();
  await other.process.exited;
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});
