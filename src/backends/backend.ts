import { type Origin, parseOrigin } from './origin.ts';

/** What the configuration says of one backend, with its secrets resolved. */
interface BackendSpec {
  readonly id: string;
  readonly type: string;
  readonly url: string;
  readonly apiKey: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly discover: boolean;
}

/** A backend with everything worked out that a request would otherwise have to. */
export interface Backend {
  readonly id: string;
  readonly type: string;
  readonly origin: Origin;
  readonly discover: boolean;
  /** Credentials and extra headers, names in lower case; they win over a caller's. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly headerNames: ReadonlySet<string>;
}

/** Throws when the URL cannot be used; the configuration has checked it before. */
export function createBackend(spec: BackendSpec): Backend {
  const headers = [...spec.headers];
  if (spec.apiKey !== null) headers.push(['authorization', `Bearer ${spec.apiKey}`]);
  return {
    id: spec.id,
    type: spec.type,
    origin: parseOrigin(spec.url),
    discover: spec.discover,
    headers,
    headerNames: new Set(headers.map(([name]) => name)),
  };
}
