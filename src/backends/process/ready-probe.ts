import type { HttpClient } from '../http1/client.ts';
import { parseOrigin } from '../origin.ts';

/** The HTTP status that the path answers with; null when nobody answers in time. */
export type ReadyProbe = (url: string, path: string, deadlineMs: number) => Promise<number | null>;

/** Asks over the transport that requests use; what the answer says besides is not read. */
export function createReadyProbe(client: HttpClient): ReadyProbe {
  return (url, path, deadlineMs) => {
    const { promise, resolve } = Promise.withResolvers<number | null>();
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
        onHead(head) {
          resolve(head.status);
          sending.abort();
        },
        onData() {},
        onEnd() {},
        onFailure: () => resolve(null),
      },
    );
    return promise;
  };
}
