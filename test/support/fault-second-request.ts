import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What is done with every request of a connection but its first. */
export type SecondRequest = 'silence' | 'fin' | 'reset';

export interface SecondRequestServer extends AsyncDisposable {
  readonly url: string;
  /** Connections that were accepted, and requests that were read on them. */
  readonly connections: number;
  readonly requests: number;
}

const BODY =
  '{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},' +
  '"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
const REPLY = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/**
 * Answers the first request of each connection and keeps it open, as a server does whose machine
 * then disappears, or that closes an idle connection in the very moment in which it is used again.
 */
export async function startSecondRequestServer(what: SecondRequest): Promise<SecondRequestServer> {
  const open = new Set<Socket>();
  let connections = 0;
  let requests = 0;
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    let seen = 0;
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    // A request of these tests comes in one piece.
    socket.on('data', () => {
      requests += 1;
      seen += 1;
      if (seen === 1) socket.write(REPLY);
      else if (what === 'fin') socket.end();
      else if (what === 'reset') socket.resetAndDestroy();
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
