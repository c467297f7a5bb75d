import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientLab, LAB_DEADLINES, openClientLab } from '../../../support/client-lab.ts';

const SUPPORT = join(import.meta.dirname, '../../../support/tls');
const read = (name: string) => readFileSync(join(SUPPORT, name), 'utf8');
const trustedCa = read('authority.pem');
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

let lab: ClientLab;
const servers: Server[] = [];
beforeEach(() => {
  lab = openClientLab({ trustedCa });
});
afterEach(async () => {
  expect(await lab.close()).toEqual([]);
  for (const server of servers.splice(0)) server.close();
});

interface TlsBackend {
  readonly port: number;
  /** What clients wrote, after decryption. */
  received: string;
  serverNames: unknown[];
}

/** Answers every request with OK, or runs `answer`. */
async function startTlsBackend(
  certificate: string,
  answer = (socket: TLSSocket) => void socket.write(OK),
): Promise<TlsBackend> {
  const backend = { port: 0, received: '', serverNames: [] as unknown[] };
  const identity = { key: read(`${certificate}.key`), cert: read(`${certificate}.pem`) };
  const server = createServer(identity, (socket) => {
    backend.serverNames.push(socket.servername);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      backend.received += bytes.toString('latin1');
      if (backend.received.endsWith('\r\n\r\n')) answer(socket);
    });
  });
  servers.push(server);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  if (typeof address === 'object' && address !== null) backend.port = address.port;
  return backend;
}

const refused = {
  kind: 'failure',
  failure: { stage: 'nothing_sent', cause: 'tls', message: expect.any(String) },
};

describe('a certificate that is trusted', () => {
  test.each(['localhost', '127.0.0.1'])(
    'for %s carries requests, and the next ones',
    async (host) => {
      const backend = await startTlsBackend('localhost');
      for (const reused of [false, true]) {
        const { reader, sending } = lab.send(`https://${host}:${backend.port}`);
        expect(await reader.ending).toEqual({ kind: 'end', closeDelimited: false });
        expect(sending.reusedConnection).toBe(reused);
        expect(reader.body.toString()).toBe('ok');
      }
      expect(backend.serverNames[0]).toBe(host);
    },
  );

  test('carries bodies that take many records', async () => {
    const backend = await startTlsBackend('localhost', (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n`);
      socket.write(Buffer.alloc(3_000_000, 'y'));
    });
    const body = Buffer.alloc(3_000_000, 'x');
    body.set(Buffer.from('\r\n\r\n'), body.length - 4);
    const { reader } = lab.send(`https://localhost:${backend.port}`, { method: 'POST', body });
    expect(await reader.ending).toEqual({ kind: 'end', closeDelimited: false });
    expect(reader.sizeBytes).toBe(3_000_000);
    expect(backend.received.length).toBeGreaterThan(3_000_000);
  });
});

describe('a certificate that is not trusted gets nothing', () => {
  test('an unknown authority', async () => {
    await lab.close();
    lab = openClientLab();
    const backend = await startTlsBackend('localhost');
    const { reader } = lab.send(`https://localhost:${backend.port}`, {
      headers: [['authorization', 'Bearer secret']],
    });
    expect(await reader.ending).toEqual(refused);
    await lab.settled();
    expect(backend.received).toBe('');
    expect(lab.client.stats()).toMatchObject([{ open: 0, failures: { tls: 1 } }]);
  });

  test('another name', async () => {
    const backend = await startTlsBackend('other-name');
    const { reader } = lab.send(`https://localhost:${backend.port}`);
    expect(await reader.ending).toEqual(refused);
    await lab.settled();
    expect(backend.received).toBe('');
  });
});

describe('a handshake that does not come about', () => {
  test('with a server that speaks plain HTTP', async () => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url.replace('http', 'https'));
    const peer = await backend.next();
    await peer.more();
    peer.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(await reader.ending).toEqual(refused);
  });

  test('because the server closes', async () => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url.replace('http', 'https'));
    const peer = await backend.next();
    await peer.more();
    peer.end();
    expect(await reader.ending).toMatchObject({ failure: { stage: 'nothing_sent' } });
    expect(lab.client.stats()).toMatchObject([{ open: 0 }]);
  });

  test('in time', async () => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url.replace('http', 'https'));
    const peer = await backend.next();
    await peer.more();
    lab.pass(LAB_DEADLINES.connectMs);
    expect(await reader.ending).toMatchObject({
      failure: { stage: 'nothing_sent', cause: 'connect_timeout' },
    });
    await peer.gone;
    expect(lab.client.stats()).toMatchObject([{ open: 0, abandoned: 0 }]);
  });

  test('because it is aborted', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url.replace('http', 'https'));
    const peer = await backend.next();
    await peer.more();
    sending.abort();
    await peer.gone;
    await lab.settled();
    expect(reader.endings).toBe(0);
    expect(lab.client.stats()).toMatchObject([{ open: 0, abandoned: 0 }]);
  });
});

test('a session cut in the middle of a reply is a failure', async () => {
  const backend = await startTlsBackend('localhost', (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal', () => socket.destroy());
  });
  const { reader } = lab.send(`https://localhost:${backend.port}`);
  expect(await reader.ending).toMatchObject({
    failure: { stage: 'broken_midway', cause: expect.stringMatching(/^(closed|reset|tls)$/) },
  });
});
