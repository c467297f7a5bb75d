import { connect } from 'node:net';
import {
  type Deadlines,
  type HttpClient,
  type HttpClientOptions,
  type OutgoingRequest,
  openHttpClient,
  type Sending,
} from '../../src/backends/http1/client.ts';
import { parseOrigin } from '../../src/backends/origin.ts';
import { startWatchdog, type Watchdog } from '../../src/backends/watchdog.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { type RawBackend, type RawBackendOptions, startRawBackend } from './raw-backend.ts';
import {
  createRecordingReader,
  type ReaderHooks,
  type RecordingReader,
} from './recording-reader.ts';

export const LAB_DEADLINES: Deadlines = {
  connectMs: 1_000,
  firstByteMs: 2_000,
  idleMs: 500,
  totalMs: 10_000,
};

export interface LabRequest extends Partial<OutgoingRequest> {
  readonly hooks?: ReaderHooks;
}

export interface ClientLab {
  readonly clock: FakeClock;
  readonly watchdog: Watchdog;
  readonly client: HttpClient;
  backend(options?: RawBackendOptions): Promise<RawBackend>;
  /** Sends `GET /` unless told otherwise. */
  send(url: string, request?: LabRequest): { reader: RecordingReader; sending: Sending };
  /** Moves the clock and lets the watchdog look. */
  pass(ms: number): void;
  /** Resolves when what was on its way over loopback has been seen by everyone. */
  settled(): Promise<void>;
  /** Resolves when `isTrue` says so; it is asked on every turn of the event loop. */
  until(isTrue: () => boolean): Promise<void>;
  /** Ends everything, and says what readers saw that they must not. */
  close(): Promise<readonly string[]>;
}

/** A client whose clock a test moves, and backends that say what a test tells them to. */
export function openClientLab(options: Partial<HttpClientOptions> = {}): ClientLab {
  const clock = createFakeClock();
  const watchdog = startWatchdog(clock, 3_600_000);
  const client = openHttpClient({ watchdog, clock, ...options });
  const backends: RawBackend[] = [];
  const readers: RecordingReader[] = [];
  return {
    clock,
    watchdog,
    client,
    async backend(backendOptions) {
      const backend = await startRawBackend(backendOptions);
      backends.push(backend);
      return backend;
    },
    send(url, { hooks = {}, ...request } = {}) {
      const reader = createRecordingReader(hooks);
      readers.push(reader);
      const sending = client.send(
        {
          origin: parseOrigin(url),
          method: 'GET',
          path: '/',
          headers: [],
          body: null,
          deadlines: LAB_DEADLINES,
          ...request,
        },
        reader,
      );
      return { reader, sending };
    },
    pass(ms) {
      clock.advance(ms);
      watchdog.tick();
    },
    async settled() {
      for (let trip = 0; trip < 3; trip++) await makeRoundTrip();
    },
    async until(isTrue) {
      while (!isTrue()) await nextTurn();
    },
    async close() {
      client.close();
      watchdog.close();
      for (const backend of backends) await backend.close();
      return readers.flatMap((reader) => reader.violations);
    },
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Loopback keeps the order of events: what was sent before this began has arrived when it ends. */
async function makeRoundTrip(): Promise<void> {
  const backend = await startRawBackend();
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(backend.port, '127.0.0.1', () => socket.write('ping'));
  socket.on('data', () => resolve());
  const peer = await backend.next();
  await peer.expect('ping');
  peer.write('pong');
  await promise;
  socket.destroy();
  await backend.close();
}
