import type { Socket, SocketHandler } from 'bun';
import type { Origin } from '../origin.ts';
import type { Connection } from './connection.ts';
import type { FailureCause } from './send-failure.ts';

/** Opens a socket for a connection, which is then told everything that happens to it. */
export type Dial = (connection: Connection) => void;

/**
 * What to pass to `Bun.connect` for an origin. Names are resolved anew for each connection (through
 * Bun's short-lived cache), and all addresses of a name are tried.
 */
export function prepareDial(origin: Origin, trustedCa: string | undefined): Dial {
  const handlers = origin.tls ? TLS_EVENTS : EVENTS;
  const ca = trustedCa === undefined ? {} : { ca: trustedCa };
  const tls = { serverName: origin.hostname, rejectUnauthorized: true, ...ca };
  const { hostname, port, unixPath } = origin;
  return (connection) => {
    const shared = { socket: handlers, data: connection };
    const refused = (error: unknown) => failDial(connection, error);
    try {
      if (unixPath !== null) Bun.connect({ ...shared, unix: unixPath }).catch(refused);
      else if (!origin.tls) Bun.connect({ ...shared, hostname, port }).catch(refused);
      else Bun.connect({ ...shared, hostname, port, tls }).catch(refused);
    } catch (error) {
      queueMicrotask(() => refused(error));
    }
  };
}

/** Bun gives every call its own array, so received bytes can be kept and changed without a copy. */
const EVENTS: SocketHandler<Connection> = {
  open(socket) {
    socket.setNoDelay(true);
    socket.data.connected(socket);
    socket.data.opened();
  },
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data.lost(error === undefined ? null : describe(error)),
  connectError: (socket, error) => failDial(socket.data, error),
};

const TLS_EVENTS: SocketHandler<Connection> = {
  ...EVENTS,
  open(socket) {
    socket.setNoDelay(true);
    socket.data.connected(socket);
  },
  handshake: (socket, _success, error) => finishHandshake(socket, error),
  error: (socket, error) => socket.data.tlsBroke(describe(error)),
};

/** Bun checks the chain and the name; nothing may be written unless it says so itself. */
function finishHandshake(socket: Socket<Connection>, error: Error | null): void {
  if (error === null && socket.authorized) {
    socket.data.opened();
    return;
  }
  socket.data.tlsBroke(error === null ? 'the certificate was not verified' : describe(error));
  socket.terminate();
}

/** May be called twice for one attempt; the second call finds the request gone. */
function failDial(connection: Connection, error: unknown): void {
  const code = codeOf(error);
  connection.dialFailed(toCause(code), describe(error));
}

function toCause(code: string): FailureCause {
  if (code === 'ETIMEDOUT') return 'connect_timeout';
  if (code === 'ECONNRESET') return 'reset';
  if (code === 'ENOTFOUND' || code.startsWith('EAI_') || code.startsWith('DNS_')) return 'dns';
  return 'refused'; // Also unreachable networks, missing socket files, no descriptors left.
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function describe(error: unknown): string {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === '' || message.includes(code) ? message : `${message} (${code})`;
}
