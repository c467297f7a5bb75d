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
    async close() {
      client.close();
      watchdog.close();
      for (const backend of backends) await backend.close();
      return readers.flatMap((reader) => reader.violations);
    },
  };
}
