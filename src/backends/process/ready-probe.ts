import type { HttpClient } from '../http1/client.ts';
import { parseOrigin } from '../origin.ts';

/** The HTTP status that the path answers with; null when nobody answers in time. */
export type ReadyProbe = (url: string, path: string, deadlineMs: number) => Promise<number | null>;

/** Of an answer so much is read before the connection is given up. */
const BODY_BYTES_MAX = 64 * 1024;

/** Asks over the transport that requests use; what the answer says besides is not read. */
export function createReadyProbe(client: HttpClient): ReadyProbe {
  return (url, path, deadlineMs) => {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    let sizeBytes = 0;
    const origin = parseOrigin(url);
    const sending = client.send(
      {
        origin,
        method: 'GET',
        path: origin.basePath + path,
        headers: [],
        body: null,
        deadlines: {
          connectMs: deadlineMs,
          firstByteMs: deadlineMs,
          idleMs: deadlineMs,
          totalMs: deadlineMs,
        },
      },
      {
        onHead: (head) => resolve(head.status),
        // To its end, so that the connection can be kept and no engine complains of a reset.
        onData(bytes) {
          sizeBytes += bytes.byteLength;
          if (sizeBytes > BODY_BYTES_MAX) sending.abort();
        },
        onEnd() {},
        onFailure: () => resolve(null),
      },
    );
    return promise;
  };
}
