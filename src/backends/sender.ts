import type { Backend } from './backend.ts';
import type {
  Deadlines,
  HttpClient,
  OutgoingRequest,
  ReplyReader,
  Sending,
} from './http1/client.ts';

interface TargetRequest extends Pick<OutgoingRequest, 'method' | 'headers' | 'body'> {
  /** Without the base path of the backend. */
  readonly path: string;
}

export interface Sender {
  /** `target.backend` must be one of the backends the sender was made with. */
  send(target: { readonly backend: string }, request: TargetRequest, reader: ReplyReader): Sending;
}

interface SenderOptions {
  readonly client: HttpClient;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly deadlines: Deadlines;
}

/** Addresses requests to backends: base path, credentials and deadlines of one configuration. */
export function createSender({ client, backends, deadlines }: SenderOptions): Sender {
  return {
    send(target, request, reader) {
      const backend = backends.get(target.backend);
      if (backend === undefined) throw new Error(`unknown backend ${target.backend}`);
      const { origin } = backend;
      return client.send(
        {
          origin,
          method: request.method,
          path: origin.basePath + request.path,
          headers: joinHeaders(request.headers, backend),
          body: request.body,
          deadlines,
        },
        reader,
      );
    },
  };
}

function joinHeaders(
  asked: OutgoingRequest['headers'],
  backend: Backend,
): OutgoingRequest['headers'] {
  if (backend.headers.length === 0) return asked;
  return [...asked.filter(([name]) => !backend.headerNames.has(name)), ...backend.headers];
}
