import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { BodyWriter, CallerRequest } from '../../../../src/callers/http1/caller-request.ts';
import {
  type CallerServer,
  type CallerServerOptions,
  startCallerServer,
} from '../../../../src/callers/http1/server.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { echo } from '../../../support/caller-connection-lab.ts';
import { RawCaller } from '../../../support/raw-caller.ts';

const TLS = join(import.meta.dirname, '../../../support/tls');
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

const servers: CallerServer[] = [];
const faults: unknown[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.kill();
  expect(faults.splice(0)).toEqual([]);
});

function start(
  handle: (request: CallerRequest) => void = echo,
  options: Partial<CallerServerOptions> = {},
): CallerServer & { readonly url: string } {
  const server = startCallerServer({
    hostname: '127.0.0.1',
    port: 0,
    tls: null,
    clock: systemClock,
    quietMs: 120_000,
    handle,
    renderProblem: ({ message }) => ({ fields: {}, body: message }),
    onFault: (error) => void faults.push(error),
    ...options,
  });
  servers.push(server);
  return Object.assign(server, { url: `http://127.0.0.1:${server.port}` });
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** Asks with a client of Node.js. */
function ask(
  request: typeof httpRequest,
  options: object,
  body: readonly string[] = [],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(options, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (part: string) => {
        text += part;
      });
      reply.on('end', () => resolve({ status: reply.statusCode, body: text }));
    });
    asking.on('error', reject);
    for (const part of body) asking.write(part);
    asking.end();
  });
}

describe('with clients of others', () => {
  test('fetch, small and large, whole and in chunks', async () => {
    const { url } = start();
    const large = 'x'.repeat(900_000);
    for (const body of ['hi', large]) {
      const reply = await fetch(`${url}/p`, { method: 'POST', body });
      expect(await reply.text()).toBe(`POST /p ${body}`);
    }
  });

  test('a client of Node.js that sends chunks over one connection', async () => {
    const { port } = start();
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 3; count += 1) {
      const options = { port, host: '127.0.0.1', path: '/c', method: 'POST', agent };
      expect(await ask(httpRequest, options, ['a', 'b'])).toEqual({
        status: 200,
        body: 'POST /c ab',
      });
    }
    agent.destroy();
  });

  test('over TLS', async () => {
    const tls = { certFile: join(TLS, 'localhost.pem'), keyFile: join(TLS, 'localhost.key') };
    const { port } = start(echo, { tls });
    const ca = readFileSync(join(TLS, 'authority.pem'));
    const options = { port, host: 'localhost', path: '/t', method: 'POST', ca };
    const body = 'y'.repeat(300_000);
    expect(await ask(httpsRequest as typeof httpRequest, options, [body])).toEqual({
      status: 200,
      body: `POST /t ${body}`,
    });
  });
});

test('a reply to who has not finished sending arrives', async () => {
  const { url } = start((request) => request.reply(401, {}, 'no'));
  using caller = await RawCaller.connect(url);
  await caller.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9000000\r\n\r\n`);
  await caller.write('x'.repeat(1_000_000));
  const reply = await caller.reply();
  expect(reply).toMatchObject({ status: 401, body: 'no' });
});

test('what is no request is told so, and the connection closed', async () => {
  const { url } = start();
  using caller = await RawCaller.connect(url);
  await caller.write('GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n');
  expect(await caller.reply()).toMatchObject({ status: 400 });
  await caller.closed();
});

test('a stream arrives as it is written, and a slow reader holds it back', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<BodyWriter>();
  const { port } = start((request) => resolve(request.begin(200, {})));
  const socket = createConnection({ port, host: '127.0.0.1' });
  let received = 0;
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  socket.write(GET);
  const writer = await asked;
  writer.write(Buffer.from('first'));
  await once(socket, 'data');
  socket.pause();
  const piece = Buffer.alloc(65_536, 'x');
  let written = 1;
  while (writer.write(piece)) written += 1;
  const drained = new Promise<void>((done) => {
    writer.onDrained = done;
  });
  socket.resume();
  await drained;
  writer.end(Buffer.from('last'));
  // Polls nothing: the socket tells of every piece.
  while (received < written * piece.length) await once(socket, 'data');
  socket.destroy();
});

test('a caller that leaves in the middle of a stream is noticed', async () => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const { url } = start((request) => {
    request.onGone = resolve;
    request.begin(200, {}).write(Buffer.from('a'));
  });
  const caller = await RawCaller.connect(url);
  await caller.write(GET);
  await caller.until('a\r\n');
  caller[Symbol.dispose]();
  await gone;
});

test('stopping lets requests end, closes idle connections and takes no new ones', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<CallerRequest>();
  const server = start((request) => {
    if (request.path === '/idle') request.reply(200, {}, '');
    else resolve(request);
  });
  using idle = await RawCaller.connect(server.url);
  await idle.write(GET.replace('/ ', '/idle '));
  await idle.reply();
  using busy = await RawCaller.connect(server.url);
  await busy.write(GET);
  const request = await asked;
  const stopped = server.stop();
  await idle.closed();
  await expect(RawCaller.connect(server.url)).rejects.toThrow();
  request.reply(200, {}, 'done');
  expect(await busy.reply()).toMatchObject({ status: 200, body: 'done' });
  await busy.closed();
  busy[Symbol.dispose]();
  await stopped;
  expect(server.connections).toBe(0);
});

test('connections beyond the bound are turned away', async () => {
  const server = start(echo, { maxConnections: 1 });
  using first = await RawCaller.connect(server.url);
  await first.write(GET);
  await first.reply();
  using second = await RawCaller.connect(server.url);
  await second.closed();
  expect([server.connections, server.turnedAway]).toEqual([1, 1]);
});

test('an address in use cannot be bound', () => {
  const { port } = start();
  expect(() => start(echo, { port })).toThrow();
});

function once(socket: Socket, event: 'data'): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}
