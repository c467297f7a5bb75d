import { isIP } from 'node:net';
import type { Socket, SocketHandler } from 'bun';
import type { Origin } from '../origin.ts';
import type { Connection } from './connection.ts';
import { askSystem, NameAddresses } from './name-addresses.ts';
import type { FailureCause } from './send-failure.ts';

/** Opens a socket for a connection, which is then told everything that happens to it. */
export type Dial = (connection: Connection) => void;

/**
 * How connections to an origin are opened. Names are resolved anew for each of them, and their
 * addresses are tried one after the other until one answers.
 */
export function prepareDial(origin: Origin, trustedCa: string | undefined): Dial {
  const { hostname, unixPath } = origin;
  const isName = unixPath === null && isIP(hostname) === 0;
  const connect = prepareConnect(origin, trustedCa);
  if (!isName) {
    return (connection) => {
      connect(connection, hostname).catch((error: unknown) => failDial(connection, error));
    };
  }
  const name = new NameAddresses(() => askSystem(hostname));
  return (connection) => void dialName(connection, name, connect);
}

/** Begins a connection to an address; rejects when none came about. */
type Connect = (connection: Connection, address: string) => Promise<unknown>;

function prepareConnect(origin: Origin, trustedCa: string | undefined): Connect {
  const handlers = origin.tls ? TLS_EVENTS : EVENTS;
  const ca = trustedCa === undefined ? {} : { ca: trustedCa };
  // Verified is the name, whatever address it has.
  const tls = { serverName: origin.hostname, rejectUnauthorized: true, ...ca };
  const { port, unixPath } = origin;
  return async (connection, hostname) => {
    const shared = { socket: handlers, data: connection };
    if (unixPath !== null) await Bun.connect({ ...shared, unix: unixPath });
    else if (!origin.tls) await Bun.connect({ ...shared, hostname, port });
    else await Bun.connect({ ...shared, hostname, port, tls });
  };
}

async function dialName(
  connection: Connection,
  name: NameAddresses,
  connect: Connect,
): Promise<void> {
  let failure: unknown;
  try {
    for (const address of await name.find()) {
      // Nobody waits for it any more.
      if (connection.abandoned) break;
      const over = name.begin(address);
      try {
        await connect(connection, address);
        return;
      } catch (error) {
        failure = error;
      } finally {
        over();
      }
    }
  } catch (error) {
    failure = error;
  }
  failDial(connection, failure);
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
  // The promise of `Bun.connect` tells it as well, and there may be another address.
  connectError() {},
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
