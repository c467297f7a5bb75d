import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Timers } from '../core/timers.ts';
import { toSinkFailure } from './sink-failure.ts';

/** A receiver's buffer holds some 200 of our messages by default: a burst stays well below. */
const BURST = 50;
const BURST_EVERY_MS = 10;

/**
 * Sends datagrams (RFC 5426) and resolves when the system took them, which says nothing about the
 * receiver. Only a machine on which nobody listens may make itself known, as a failure.
 */
export async function sendDatagrams(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  messages: readonly string[],
  timers: Timers,
  signal: AbortSignal,
): Promise<void> {
  const socket = createSocket(isIPv6(hostname) ? 'udp6' : 'udp4');
  // An error between two calls would otherwise end the process; the next call meets it again.
  socket.on('error', () => {});
  try {
    await connect(socket, hostname, port);
    for (const [index, message] of messages.entries()) {
      if (index > 0 && index % BURST === 0) await pause(timers, signal);
      signal.throwIfAborted();
      await send(socket, message);
    }
  } catch (cause) {
    throw toSinkFailure(cause, 'sending');
  } finally {
    socket.close();
  }
}

function connect(socket: Socket, hostname: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, hostname, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function send(socket: Socket, message: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, (error) => (error === null ? resolve() : reject(error)));
  });
}

function pause(timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timers.after(BURST_EVERY_MS, done);
    signal.addEventListener('abort', done);
  });
}
