import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';

export interface SyslogReceiver extends AsyncDisposable {
  readonly port: number;
  /** Whole messages, in the order they came. */
  readonly messages: readonly string[];
  /** Connections so far; 0 for UDP. */
  readonly connections: number;
  /** Resolves once so many messages have arrived. */
  received(count: number): Promise<void>;
}

export interface StreamReceiver extends SyslogReceiver {
  /** Ends every connection at once. */
  cut(): void;
}

/** What a connection does instead of reading to the end. */
export type Misbehaviour = (socket: Socket) => void;

export interface StreamReceiverOptions {
  /** Folder of the certificate and the name of its files. */
  readonly tls?: 'localhost' | 'other-name';
  readonly misbehave?: Misbehaviour;
}

class Inbox {
  readonly messages: string[] = [];
  readonly #waiting = new Set<() => void>();

  add(message: string): void {
    this.messages.push(message);
    for (const look of this.#waiting) look();
  }

  received(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.messages.length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

export async function startUdpReceiver(): Promise<SyslogReceiver> {
  const inbox = new Inbox();
  const socket = createSocket('udp4');
  socket.on('message', (bytes) => inbox.add(bytes.toString('utf8')));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    port: socket.address().port,
    messages: inbox.messages,
    connections: 0,
    received: (count) => inbox.received(count),
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** Takes octet-counted messages (RFC 6587, section 3.4.1) over TCP, or over TLS (RFC 5425). */
export async function startStreamReceiver(
  options: StreamReceiverOptions = {},
): Promise<StreamReceiver> {
  const inbox = new Inbox();
  const sockets = new Set<Socket>();
  let connections = 0;
  const accept = (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    if (options.misbehave === undefined) readFrames(socket, inbox);
    else options.misbehave(socket);
  };
  const server = options.tls === undefined ? createServer(accept) : startTls(options.tls, accept);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    messages: inbox.messages,
    get connections() {
      return connections;
    },
    received: (count) => inbox.received(count),
    cut: () => sockets.forEach((socket) => void socket.destroy()),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const TLS = join(import.meta.dirname, 'tls');

export const TRUSTED_CA = readFileSync(join(TLS, 'authority.pem'), 'utf8');

function startTls(name: string, accept: (socket: Socket) => void): Server {
  const key = readFileSync(join(TLS, `${name}.key`));
  const cert = readFileSync(join(TLS, `${name}.pem`));
  return createTlsServer({ key, cert }, accept);
}

function readFrames(socket: Socket, inbox: Inbox): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    pending = Buffer.concat([pending, Buffer.from(bytes)]);
    for (;;) {
      const blank = pending.indexOf(0x20);
      if (blank < 0) return;
      const end = blank + 1 + Number(pending.subarray(0, blank).toString('latin1'));
      if (Number.isNaN(end)) return void socket.destroy();
      if (pending.length < end) return;
      inbox.add(pending.subarray(blank + 1, end).toString('utf8'));
      pending = pending.subarray(end);
    }
  });
}
