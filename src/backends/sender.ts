import type { Clock } from '../core/clock.ts';
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

interface Addressee {
  readonly backend: string;
}

export interface Sender {
  /**
   * `target.backend` must be one of the backends the sender was made with. `overrides` replace
   * deadlines for this request.
   */
  send(
    target: Addressee,
    request: TargetRequest,
    reader: ReplyReader,
    overrides?: SendOverrides,
  ): Sending;
  /**
   * The backend refused the credential of a sending (401, 402, 403) or limits it (429). True when
   * the same backend can be asked again at once, with another one.
   */
  credentialRefused(
    target: Addressee,
    credential: number,
    status: number,
    retryAfterMs: number | undefined,
  ): boolean;
}

export interface SendOverrides {
  readonly firstByteMs?: number;
  readonly totalMs?: number;
}

interface SenderOptions {
  readonly client: HttpClient;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
}

/** Addresses requests to backends: base path, credentials and deadlines of one configuration. */
export function createSender({ client, backends, deadlines, clock }: SenderOptions): Sender {
  function find(target: Addressee): Backend {
    const backend = backends.get(target.backend);
    if (backend === undefined) throw new Error(`unknown backend ${target.backend}`);
    return backend;
  }

  return {
    send(target, request, reader, overrides) {
      const backend = find(target);
      const { origin, credentials } = backend;
      // Most backends have one credential or none: no clock is asked for those.
      const credential =
        credentials.keys.length > 1
          ? credentials.current(clock.monotonicMs())
          : credentials.keys.length - 1;
      const own = backend.headerSets[Math.max(0, credential)] ?? [];
      const sending = client.send(
        {
          origin,
          method: request.method,
          path: origin.basePath + request.path,
          headers: joinHeaders(request.headers, own, backend.headerNames),
          body: request.body,
          deadlines: overrides === undefined ? deadlines : { ...deadlines, ...overrides },
        },
        reader,
      );
      sending.credential = credential;
      return sending;
    },
    credentialRefused(target, credential, status, retryAfterMs) {
      const { credentials } = find(target);
      const hasOthers = credentials.refused(credential, status, clock.monotonicMs(), retryAfterMs);
      return hasOthers && credentials.keys.length > 1;
    },
  };
}

function joinHeaders(
  asked: OutgoingRequest['headers'],
  own: OutgoingRequest['headers'],
  ownNames: ReadonlySet<string>,
): OutgoingRequest['headers'] {
  if (own.length === 0) return asked;
  return [...asked.filter(([name]) => !ownNames.has(name)), ...own];
}
