import type { Socket, SocketHandler } from 'bun';
import type { Clock } from '../../core/clock.ts';
import type { CallerRequest } from './caller-request.ts';
import { CallerConnection, type ConnectionSettings, type ProblemReply } from './connection.ts';
import { DateLine } from './reply-head.ts';
import type { RequestProblem } from './request-head.ts';

export interface CallerServerOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  readonly clock: Clock;
  /** Silence tolerated between requests and inside a body, milliseconds. */
  readonly quietMs: number;
  /** The longest that the head of a request may take to arrive, milliseconds. */
  readonly headMs?: number;
  /** Connections beyond it are closed as they come. */
  readonly maxConnections?: number;
  /** Answers a request, now or later. */
  readonly handle: (request: CallerRequest) => void;
  /** What to tell a caller that sent no HTTP request; its connection is closed after that. */
  readonly renderProblem: (problem: RequestProblem) => ProblemReply;
  /** Gets what `handle` or `renderProblem` threw: a bug of ours. The connection is closed. */
  readonly onFault: (error: unknown) => void;
}

export interface CallerServer {
  readonly port: number;
  /** Open connections. */
  readonly connections: number;
  /** Connections that were closed as they came, because there were too many. */
  readonly turnedAway: number;
  /** Stops accepting; requests in flight go on. Resolves when the last connection is gone. */
  stop(): Promise<void>;
  /** Closes everything now. */
  kill(): void;
  /** Closes what was silent for too long. A timer does it; tests with a fake clock do it by hand. */
  sweep(): void;
}

const SWEEP_MS = 1_000;
const HEAD_MS = 30_000;
const CONNECTIONS_MAX = 65_536;

/** A strict HTTP/1.1 server (RFC 9112). Throws when the address cannot be bound. */
export function startCallerServer(options: CallerServerOptions): CallerServer {
  const { hostname, port, tls, clock, maxConnections = CONNECTIONS_MAX } = options;
  // An array in which every connection knows its place: see `gateway/in-flight.ts`.
  const connections: CallerConnection[] = [];
  let turnedAway = 0;
  let isStopping = false;
  let resolveStopped: (() => void) | undefined;

  function forget(connection: CallerConnection): void {
    const last = connections.pop();
    if (last !== undefined && last !== connection) {
      connections[connection.place] = last;
      last.place = connection.place;
    }
    if (connections.length === 0) resolveStopped?.();
  }

  const settings: ConnectionSettings = {
    clock,
    dates: new DateLine(),
    quietMs: options.quietMs,
    headMs: options.headMs ?? HEAD_MS,
    isStopping: () => isStopping,
    handle: options.handle,
    renderProblem: options.renderProblem,
    onFault: options.onFault,
    onClosed: forget,
  };

  function open(socket: Socket<CallerConnection | undefined>): void {
    if (connections.length >= maxConnections) {
      turnedAway += 1;
      socket.terminate();
      return;
    }
    socket.setNoDelay(true);
    const connection = new CallerConnection(socket, settings);
    connection.place = connections.length;
    connections.push(connection);
    socket.data = connection;
  }

  function sweep(): void {
    const nowMs = clock.monotonicMs();
    for (const connection of connections.slice()) {
      if (connection.dueMs <= nowMs) connection.expire();
    }
  }

  const listener = Bun.listen<CallerConnection | undefined>({
    hostname,
    port,
    ...(tls === null ? {} : { tls: { cert: Bun.file(tls.certFile), key: Bun.file(tls.keyFile) } }),
    data: undefined,
    socket: { ...EVENTS, open },
  });
  const sweeping = setInterval(sweep, SWEEP_MS);
  sweeping.unref();

  return {
    port: listener.port,
    get connections() {
      return connections.length;
    },
    get turnedAway() {
      return turnedAway;
    },
    async stop() {
      isStopping = true;
      listener.stop(false);
      for (const connection of connections.slice()) connection.closeIdle();
      if (connections.length > 0) {
        await new Promise<void>((resolve) => {
          resolveStopped = resolve;
        });
      }
      clearInterval(sweeping);
    },
    kill() {
      isStopping = true;
      clearInterval(sweeping);
      listener.stop(false);
      for (const connection of connections.slice()) connection.kill();
    },
    sweep,
  };
}

/** The runtime gives every call its own array, so received bytes can be kept without a copy. */
const EVENTS: SocketHandler<CallerConnection | undefined> = {
  data: (socket, bytes) => socket.data?.received(bytes),
  drain: (socket) => socket.data?.drained(),
  // A caller that ends its side has left, as for every server of this kind.
  end: (socket) => void socket.end(),
  close: (socket) => socket.data?.lost(),
  error: (socket) => socket.data?.kill(),
};
