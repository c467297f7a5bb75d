/** One answer: its status and its whole text, head included. */
export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * Opens a connection for each of the requests, and sends all of them only when all are open: as much
 * at once as one machine can. Each must make the server close its connection.
 */
export async function askAllAtOnce(url: string, requests: readonly string[]): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url);
  const asking = await Promise.all(requests.map(() => connect(hostname, Number(port))));
  for (const [index, { send }] of asking.entries()) send(requests[index] ?? '');
  return Promise.all(asking.map(({ answer }) => answer));
}

interface Asking {
  readonly send: (text: string) => void;
  readonly answer: Promise<RawAnswer>;
}

async function connect(hostname: string, port: number): Promise<Asking> {
  const { promise: answer, resolve, reject } = Promise.withResolvers<RawAnswer>();
  let text = '';
  const socket = await Bun.connect({
    hostname,
    port,
    socket: {
      data(_, bytes) {
        text += bytes.toString('utf8');
      },
      error: (_, cause) => reject(cause),
      close: () => resolve({ status: Number(text.slice(9, 12)), text }),
    },
  });
  return { send: (request) => void socket.write(request), answer };
}

/** A whole HTTP/1.1 request that asks for the connection to be closed after it. */
export function postText(path: string, key: string, body: object): string {
  const json = JSON.stringify(body);
  return [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(json)}`,
    'connection: close',
    '',
    json,
  ].join('\r\n');
}
