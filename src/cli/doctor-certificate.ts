import { connect } from 'node:tls';

const DEADLINE_MS = 4_000;
const DAY_MS = 86_400_000;

/**
 * Whole days until the certificate of a server ends, negative when it has; null when none was shown.
 * Nothing is sent, and whether it is trusted is not decided here.
 */
export function findCertificateDays(
  host: string,
  port: number,
  nowMs: number,
): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  // Only looked at: requests verify it, and an expired one is what is looked for.
  const socket = connect({ host, port, servername: host, rejectUnauthorized: false });
  socket.setTimeout(DEADLINE_MS, () => socket.destroy());
  socket.once('secureConnect', () => {
    const endMs = Date.parse(socket.getPeerCertificate().valid_to ?? '');
    resolve(Number.isNaN(endMs) ? null : Math.floor((endMs - nowMs) / DAY_MS));
    socket.destroy();
  });
  socket.once('error', () => resolve(null));
  socket.once('close', () => resolve(null));
  return promise;
}
