/** One request as it arrived. */
export interface ReceivedRequest {
  readonly method: string;
  /** As on the request line, still encoded. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface HttpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** Resolves once so many requests have arrived. */
  received(count: number): Promise<void>;
  /** What is answered from now on. */
  answerWith(answer: (request: ReceivedRequest) => Response | Promise<Response>): void;
}

/** An HTTP server that keeps what it is sent, and answers 204 until it is told otherwise. */
export function startHttpReceiver(): HttpReceiver {
  const requests: ReceivedRequest[] = [];
  const waiting = new Set<() => void>();
  let answer: (request: ReceivedRequest) => Response | Promise<Response> = () =>
    new Response(null, { status: 204 });
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { method, headers, url } = request;
      const path = url.slice(new URL(url).origin.length);
      const received = { method, path, headers, body: await request.text() };
      requests.push(received);
      for (const look of waiting) look();
      return answer(received);
    },
  });
  const { port = 0 } = server;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    received(count) {
      return new Promise((resolve) => {
        const look = () => {
          if (requests.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
    answerWith(next) {
      answer = next;
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** An answer that never comes. */
export function neverAnswer(): Promise<Response> {
  return new Promise(() => {});
}
