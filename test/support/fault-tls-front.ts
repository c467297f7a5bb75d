import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';

const CERTIFICATES = join(import.meta.dirname, 'tls');

/** What a gateway has to trust to reach it. */
export const AUTHORITY_FILE = join(CERTIFICATES, 'authority.pem');

export interface TlsFront extends AsyncDisposable {
  readonly url: string;
}

/** TLS in front of a plain server: every connection is one there, and they end together. */
export async function startTlsFront(port: number): Promise<TlsFront> {
  const open = new Set<TLSSocket>();
  const server = createServer(
    {
      cert: readFileSync(join(CERTIFICATES, 'localhost.pem')),
      key: readFileSync(join(CERTIFICATES, 'localhost.key')),
    },
    (outer) => {
      const inner = connect(port, '127.0.0.1');
      open.add(outer);
      outer.setNoDelay(true);
      inner.setNoDelay(true);
      outer.pipe(inner);
      inner.pipe(outer);
      for (const [one, other] of [
        [outer, inner],
        [inner, outer],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
      outer.on('close', () => open.delete(outer));
    },
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
