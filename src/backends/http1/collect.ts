import type { HttpClient, OutgoingRequest } from './client.ts';
import type { ReplyHeaders } from './reply-head.ts';
import type { SendFailure } from './send-failure.ts';

export interface CollectedReply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: Uint8Array;
}

export class SendFailureError extends Error {
  override readonly name = 'SendFailureError';
  readonly failure: SendFailure;

  constructor(failure: SendFailure) {
    super(`${failure.cause} (${failure.stage}): ${failure.message}`);
    this.failure = failure;
  }
}

/**
 * The whole reply, for small control-plane calls. Rejects with SendFailureError when it fails or
 * has more than `maxBytes` of body; throws for a request that cannot be written. A body that ended
 * because the connection did counts as whole.
 */
export function collect(
  client: HttpClient,
  request: OutgoingRequest,
  maxBytes: number,
): Promise<CollectedReply> {
  const { promise, resolve, reject } = Promise.withResolvers<CollectedReply>();
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  let status = 0;
  let headers: ReplyHeaders | null = null;
  const sending = client.send(request, {
    onHead(head) {
      status = head.status;
      headers = head.headers;
    },
    onData(bytes) {
      sizeBytes += bytes.length;
      pieces.push(bytes);
      if (sizeBytes <= maxBytes) return;
      sending.abort();
      const message = `${request.origin.key}: the reply has more than ${maxBytes} bytes`;
      reject(new SendFailureError({ stage: 'broken_midway', cause: 'protocol', message }));
    },
    onEnd() {
      if (headers !== null) resolve({ status, headers, body: Buffer.concat(pieces) });
    },
    onFailure: (failure) => reject(new SendFailureError(failure)),
  });
  return promise;
}
