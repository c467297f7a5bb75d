import { type Credentials, createCredentials } from './credentials.ts';
import { type Origin, parseOrigin } from './origin.ts';

/** What the configuration says of one backend, with its secrets resolved. */
interface BackendSpec {
  readonly id: string;
  readonly type: string;
  readonly url: string;
  readonly apiKeys: readonly string[];
  readonly headers: Headers;
  readonly discover: boolean;
}

type Headers = readonly (readonly [name: string, value: string])[];

/** A backend with everything worked out that a request would otherwise have to. */
export interface Backend {
  readonly id: string;
  readonly type: string;
  readonly origin: Origin;
  readonly discover: boolean;
  readonly credentials: Credentials;
  /**
   * Credential and extra headers, names in lower case; they win over a caller's. One list for each
   * credential, in their order; a single list when there is none.
   */
  readonly headerSets: readonly Headers[];
  readonly headerNames: ReadonlySet<string>;
  /** What must show nowhere: credentials, and the parts of the values of extra headers. */
  readonly secrets: readonly string[];
}

/** Shorter values are words such as a team's name, which error texts may well hold. */
const SECRET_LENGTH_MIN = 8;

/**
 * Throws when the URL cannot be used; the configuration has checked it before. `previous` is the
 * same backend before a reload: what its credentials were seen to be worth stays.
 */
export function createBackend(spec: BackendSpec, previous?: Backend): Backend {
  const keyed = spec.apiKeys.map(
    (key): Headers => [...spec.headers, ['authorization', `Bearer ${key}`]],
  );
  const headerSets = keyed.length === 0 ? [spec.headers] : keyed;
  const parts = headerSets.flatMap((headers) => headers.flatMap(([, value]) => value.split(/\s+/)));
  return {
    id: spec.id,
    type: spec.type,
    origin: parseOrigin(spec.url),
    discover: spec.discover,
    credentials: createCredentials(spec.apiKeys, previous?.credentials),
    headerSets,
    headerNames: new Set(headerSets[0]?.map(([name]) => name)),
    secrets: [...new Set(parts.filter((part) => part.length >= SECRET_LENGTH_MIN))],
  };
}

/** The headers of a request that is sent now, with the credential in use. */
export function currentHeaders(backend: Backend, nowMs: number): Headers {
  return backend.headerSets[Math.max(0, backend.credentials.current(nowMs))] ?? [];
}
