import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { startDeadline } from './deadline.ts';
import type { SinkParts } from './sink.ts';
import { SinkFailure, toSinkFailure } from './sink-failure.ts';

/** From the dial to the receiver's goodbye. */
const DEADLINE_MS = 30_000;

export interface StreamAddress {
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
  /** PEM of the authorities to trust instead of the system's. */
  readonly trustedCa?: string;
}

/**
 * How long our side stays open after the last byte, besides two round trips: one that takes
 * connections only to close them (a balancer without receivers) is heard of by then, and is not
 * mistaken for a receiver that closed because we did.
 */
const GRACE_MS = 20;
const GRACE_MAX_MS = 1_000;

/**
 * Sends bytes on a connection of their own and resolves when the receiver has read them all.
 *
 * Syslog has no acknowledgement: what a write call takes may lie in a buffer of a receiver that
 * will never read it. Ending our side and waiting for the other to end its own is the one answer
 * that TCP gives: a receiver that goes away with bytes unread resets the connection. Over TLS the
 * close_notify that answers ours says the same (RFC 5425, section 4.4).
 */
export async function sendStream(
  address: StreamAddress,
  bytes: string,
  parts: SendParts,
  signal: AbortSignal,
): Promise<void> {
  using deadline = startDeadline(parts.timers, DEADLINE_MS, signal);
  try {
    await converse(dial(address), bytes, parts, deadline.signal);
  } catch (cause) {
    if (!deadline.hasPassed) throw toSinkFailure(cause, 'sending');
    throw new SinkFailure(`not read to the end in ${DEADLINE_MS / 1_000} s`, { cause });
  }
}

function converse(
  { socket, openedBy }: Dialed,
  bytes: string,
  { clock, timers }: SendParts,
  signal: AbortSignal,
): Promise<void> {
  const dialedAtMs = clock.monotonicMs();
  let cancelGrace = () => {};
  let cut = () => {};
  return new Promise<void>((resolve, reject) => {
    let hasEnded = false;
    const fail = (cause: unknown) => {
      // First, because a socket that is destroyed tells of an end and of no error.
      reject(cause);
      socket.destroy();
    };
    cut = () => fail(signal.reason);
    if (signal.aborted) return cut();
    signal.addEventListener('abort', cut);
    socket.once(openedBy, () => {
      // Receivers say nothing; what one says is thrown away.
      socket.resume();
      socket.write(bytes, 'latin1');
      // Opening took one round trip, over TLS some more.
      const graceMs = GRACE_MS + 2 * (clock.monotonicMs() - dialedAtMs);
      cancelGrace = timers.after(Math.min(graceMs, GRACE_MAX_MS), () => socket.end());
    });
    socket.on('end', () => {
      hasEnded = true;
      if (!socket.writableFinished) fail(new SinkFailure('the receiver closed before the end'));
    });
    socket.on('error', fail);
    socket.on('close', (hadError) => {
      if (hasEnded && !hadError) resolve();
      else reject(new SinkFailure('the connection was lost'));
    });
  }).finally(() => {
    cancelGrace();
    signal.removeEventListener('abort', cut);
  });
}

type SendParts = Pick<SinkParts, 'clock' | 'timers'>;

interface Dialed {
  readonly socket: Socket;
  readonly openedBy: 'connect' | 'secureConnect';
}

function dial({ hostname, port, isTls, trustedCa }: StreamAddress): Dialed {
  const to = { host: hostname, port, allowHalfOpen: true };
  if (!isTls) return { socket: connect(to), openedBy: 'connect' };
  // An address is no server name (RFC 6066, section 3); the certificate must be for it all the same.
  const servername = isIP(hostname) === 0 ? { servername: hostname } : {};
  const ca = trustedCa === undefined ? {} : { ca: trustedCa };
  const socket = connectTls({ ...to, ...servername, ...ca, minVersion: 'TLSv1.2' });
  return { socket, openedBy: 'secureConnect' };
}
