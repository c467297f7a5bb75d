import { createServer, type Server, type Socket } from 'node:net';

/** One accepted connection, driven by hand. */
export interface RawConnection {
  /** Everything received so far, as Latin-1. */
  readonly received: string;
  readonly receivedBytes: number;
  /** Resolves when the other side is gone, with how it went. */
  readonly gone: Promise<'fin' | 'reset'>;
  /** Resolves once `text` has been received, counted from the last `expect` that resolved. */
  expect(text: string): Promise<void>;
  /** Resolves when anything more has been received. */
  more(): Promise<void>;
  write(bytes: string | Uint8Array): void;
  /** Resolves when what was written cannot leave: the other side has stopped reading. */
  stuck(): Promise<void>;
  /** FIN. */
  end(): void;
  /** RST. */
  reset(): void;
  /** Stops reading, so that the other side's writes get stuck. */
  pause(): void;
  resume(): void;
}

export interface RawBackend {
  readonly url: string;
  readonly port: number;
  readonly accepted: number;
  /** The next connection that nobody has taken yet. */
  next(): Promise<RawConnection>;
  close(): Promise<void>;
}

export interface RawBackendOptions {
  readonly host?: string;
  readonly unixPath?: string;
}

/** A server that says exactly what a test tells it to, byte by byte. */
export async function startRawBackend(options: RawBackendOptions = {}): Promise<RawBackend> {
  const waiting: RawConnection[] = [];
  const takers: ((connection: RawConnection) => void)[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    const connection = drive(socket);
    const taker = takers.shift();
    if (taker === undefined) waiting.push(connection);
    else taker(connection);
  });
  const host = options.host ?? '127.0.0.1';
  const port = await listen(server, host, options.unixPath);
  return {
    url: options.unixPath === undefined ? `http://${host}:${port}` : `unix:${options.unixPath}`,
    port,
    get accepted() {
      return accepted;
    },
    next() {
      const connection = waiting.shift();
      if (connection !== undefined) return Promise.resolve(connection);
      const { promise, resolve } = Promise.withResolvers<RawConnection>();
      takers.push(resolve);
      return promise;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, host: string, unixPath: string | undefined): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  const listening = () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : 0);
  };
  if (unixPath === undefined) server.listen(0, host, listening);
  else server.listen(unixPath, listening);
  return promise;
}

function drive(socket: Socket): RawConnection {
  let received = '';
  let receivedBytes = 0;
  let searchFrom = 0;
  let wanted: { text: string; resolve: () => void } | null = null;
  const { promise: gone, resolve: setGone } = Promise.withResolvers<'fin' | 'reset'>();

  function look(): void {
    if (wanted === null) return;
    const at = received.indexOf(wanted.text, searchFrom);
    if (at < 0) return;
    searchFrom = at + wanted.text.length;
    wanted.resolve();
    wanted = null;
  }

  let more = Promise.withResolvers<void>();

  socket.on('data', (bytes) => {
    receivedBytes += bytes.length;
    // Large bodies are counted, not kept.
    if (received.length < 1_000_000) received += bytes.toString('latin1');
    look();
    more.resolve();
    more = Promise.withResolvers<void>();
  });
  socket.on('end', () => {
    setGone('fin');
    socket.end();
  });
  socket.on('error', () => setGone('reset'));
  socket.on('close', () => setGone('reset'));
  return {
    get received() {
      return received;
    },
    get receivedBytes() {
      return receivedBytes;
    },
    gone,
    expect(text) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = { text, resolve };
      look();
      return promise;
    },
    more: () => more.promise,
    write: (bytes) =>
      void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    async stuck() {
      let left = -1;
      for (let turns = 0; turns < 50; turns++) {
        if (socket.writableLength !== left) turns = 0;
        left = socket.writableLength;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}
