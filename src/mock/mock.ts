import type { Socket, TCPSocketListener } from 'bun';
import { type BehaviourInput, parseBehaviour } from './behaviour.ts';
import { Connection, type ConnectionHost, type Responder } from './connection.ts';
import { CONTROL_PREFIX, ControlExchange, type Listening } from './control.ts';
import type { MockStats } from './counters.ts';
import { Engine } from './engine.ts';
import { Exchange } from './exchange.ts';
import type { HttpRequest } from './http-request.ts';
import type { InvoiceLine } from './invoice.ts';
import type { MockOptions } from './options.ts';
import type { SeenRequest } from './request-log.ts';
import type { ScriptStepInput } from './script.ts';
import { Timer, type TimerWheel } from './timer-wheel.ts';

const DEFAULT_MAX_BODY_BYTES = 256 * 1024 * 1024;
const DEFAULT_WAIT_MS = 5000;

/** A running simulated backend. */
export interface Mock extends AsyncDisposable {
  /** `http://host:port`, without a path. */
  readonly url: string;
  readonly port: number;
  /** What it saw, oldest first; probes (models, health, metrics) only when asked for. */
  requests(over?: { probes?: boolean }): readonly SeenRequest[];
  stats(): MockStats;
  /** What every request made it do, in the order in which they ended. */
  invoice(): readonly InvoiceLine[];
  /** Behaviours for the next requests, in order. Throws `BehaviourError`. */
  script(...steps: readonly ScriptStepInput[]): void;
  /** Changes the behaviour of every later request. Throws `BehaviourError`. */
  set(behaviour: BehaviourInput): void;
  /** Forgets scripts, counts and requests, and behaves as at the start. */
  reset(): void;
  /** Connections are refused from now on; those that are open stay. */
  refuse(): void;
  /** Takes connections again, on the same port. */
  accept(): void;
  /** Resets the next connections as soon as they are accepted. */
  resetNext(connections: number): void;
  /** Drops every open connection with RST. */
  dropConnections(): void;
  /** Resolves when no request is in flight. */
  untilIdle(timeoutMs?: number): Promise<void>;
  /** Resolves when so many inference requests have arrived since the start or reset. */
  untilRequests(count: number, timeoutMs?: number): Promise<void>;
  /** Resolves when so many requests have ended because their caller left. */
  untilCallerLeft(count: number, timeoutMs?: number): Promise<void>;
  /** Resolves when the stats first satisfy `isMet`. */
  until(isMet: (stats: MockStats) => boolean, timeoutMs?: number): Promise<void>;
  /** Stops listening and drops what is open. */
  stop(): Promise<void>;
}

/** Starts a mock on loopback. Rejects when the address is taken or the behaviour is wrong. */
export async function startMock(options: MockOptions = {}): Promise<Mock> {
  return new RunningMock(options);
}

class RunningMock implements Mock, ConnectionHost, Listening {
  readonly port: number;
  readonly url: string;
  readonly maxBodyBytes: number;
  readonly #engine: Engine;
  readonly #hostname: string;
  readonly #connections = new Set<Connection>();
  readonly #acceptTimer = new Timer(() => this.accept());
  #listener: TCPSocketListener<Connection> | null;
  #connectionSerial = 0;
  #resetsLeft = 0;

  constructor(options: MockOptions) {
    this.#engine = new Engine(options);
    this.#hostname = options.hostname ?? '127.0.0.1';
    this.maxBodyBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
    this.#listener = this.#listen(options.port ?? 0);
    this.#setListening(true);
    this.port = this.#listener.port;
    const host = this.#hostname.includes(':') ? `[${this.#hostname}]` : this.#hostname;
    this.url = `http://${host}:${this.port}`;
  }

  get wheel(): TimerWheel {
    return this.#engine.wheel;
  }

  requests({ probes = false }: { probes?: boolean } = {}): readonly SeenRequest[] {
    const entries = this.#engine.log.entries().filter(({ isProbe }) => probes || !isProbe);
    return entries.map((entry) => entry.toJson());
  }

  stats(): MockStats {
    return this.#engine.stats();
  }

  invoice(): readonly InvoiceLine[] {
    return this.#engine.invoice.lines();
  }

  script(...steps: readonly ScriptStepInput[]): void {
    this.#engine.script.add(steps);
  }

  set(behaviour: BehaviourInput): void {
    this.#engine.behaviour = parseBehaviour(this.#engine.behaviour, behaviour);
  }

  reset(): void {
    this.#resetsLeft = 0;
    this.accept();
    this.#engine.reset();
  }

  refuse(forMs?: number): void {
    // Connections that are open stay; only the listening socket goes.
    this.#listener?.stop(false);
    this.#listener = null;
    this.#setListening(false);
    if (forMs !== undefined) this.wheel.setIn(this.#acceptTimer, forMs);
  }

  accept(): void {
    this.wheel.cancel(this.#acceptTimer);
    this.#listener ??= this.#listen(this.port);
    this.#setListening(true);
  }

  resetNext(connections: number): void {
    this.#resetsLeft = connections;
  }

  dropConnections(): void {
    for (const connection of [...this.#connections]) connection.stop();
  }

  untilIdle(timeoutMs?: number): Promise<void> {
    return this.until((stats) => stats.in_flight === 0, timeoutMs);
  }

  untilRequests(count: number, timeoutMs?: number): Promise<void> {
    return this.until((stats) => stats.requests >= count, timeoutMs);
  }

  untilCallerLeft(count: number, timeoutMs?: number): Promise<void> {
    return this.until((stats) => stats.left_by_caller >= count, timeoutMs);
  }

  until(isMet: (stats: MockStats) => boolean, timeoutMs = DEFAULT_WAIT_MS): Promise<void> {
    return this.#engine.waiters.until(
      () => isMet(this.stats()),
      () => JSON.stringify(this.stats()),
      timeoutMs,
    );
  }

  async stop(): Promise<void> {
    // First the connections: stopping the listener would end them with FIN, as if all were well.
    this.dropConnections();
    this.#listener?.stop(true);
    this.#listener = null;
    this.wheel.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  createResponder(request: HttpRequest, connection: Connection): Responder {
    const engine = this.#engine;
    return request.path.startsWith(CONTROL_PREFIX)
      ? new ControlExchange(request, connection, { engine, listening: this })
      : new Exchange(engine, connection, request);
  }

  refusedSyntax(): void {
    this.#engine.counters.bad_syntax++;
    this.#engine.waiters.changed();
  }

  closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#engine.counters.open_connections--;
    this.#engine.waiters.changed();
  }

  #setListening(isListening: boolean): void {
    this.#engine.isListening = isListening;
    this.#engine.waiters.changed();
  }

  #listen(port: number): TCPSocketListener<Connection> {
    return Bun.listen<Connection>({
      hostname: this.#hostname,
      port,
      socket: {
        open: (socket) => this.#opened(socket),
        data: (socket, bytes) => socket.data?.received(bytes),
        drain: (socket) => socket.data?.drained(),
        close: (socket) => socket.data?.closed(),
        // Bun hands over what a handler threw: a bug of the mock, which must not pass in silence.
        error(socket, cause) {
          socket.terminate();
          queueMicrotask(() => {
            throw cause;
          });
        },
      },
    });
  }

  #opened(socket: Socket<Connection>): void {
    const { counters } = this.#engine;
    counters.connections++;
    if (this.#resetsLeft > 0) {
      this.#resetsLeft--;
      socket.terminate();
      return;
    }
    const connection = new Connection(++this.#connectionSerial, socket, this);
    socket.data = connection;
    this.#connections.add(connection);
    counters.open_connections++;
    this.#engine.waiters.changed();
  }
}
