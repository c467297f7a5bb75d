import { runAs } from './actor.ts';
import type { AdminAppOptions } from './admin-app.ts';
import { type AdminCaller, type AdminKey, type AdminKeys, createAdminKeys } from './admin-auth.ts';
import { type AdminFetch, createAdminFetch } from './admin-fetch.ts';
import { OPERATION_ERRORS, OperationError } from './operation-error.ts';
import { limitOperations } from './remote-limits.ts';
import { stopServer } from './stop-server.ts';

/** Why a request was refused before anything was done, in the words of the trail. */
export type AdminRefusal = 'no_admin_key' | 'unknown_admin_key';

export interface AdminTcpOptions extends AdminAppOptions {
  readonly listen: {
    readonly hostname: string;
    readonly port: number;
    readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  };
  /** Asked for every request, so that a reload counts from the next one on. */
  readonly keys: () => readonly AdminKey[];
  /** Told of every request without a valid key; `address` is null when it has left already. */
  readonly onRefused: (reason: AdminRefusal, address: string | null) => void;
}

export interface AdminTcpServer {
  readonly url: string;
  readonly port: number;
  /** Stops listening; requests that run get 5 s to be answered. */
  stop(): Promise<void>;
}

/** Operators are few; more at once is a script that has lost count. */
const REQUESTS_MAX = 64;

/** Past the limit of the app, which answers with a document; this one only cuts off. */
const BODY_BYTES_MAX = 1024 * 1024;

/** Silence of a connection that nothing is being done for. */
const QUIET_SECONDS = 60;

/**
 * Serves the admin plane on a port. Unlike the socket it can be reached by anybody, so every
 * request needs a key of the configuration, whose role says what it may do, and what writes files
 * on this machine is not offered. Throws when the address cannot be bound.
 */
export function startAdminTcpServer(options: AdminTcpOptions): AdminTcpServer {
  const { listen, onRefused, operations } = options;
  const { hostname, port, tls } = listen;
  const keys = watchKeys(options.keys);
  const answers: Record<'admin' | 'viewer', AdminFetch> = {
    admin: createAdminFetch({ ...options, operations: limitOperations(operations, 'admin') }),
    viewer: createAdminFetch({ ...options, operations: limitOperations(operations, 'viewer') }),
  };
  let running = 0;

  async function serve(request: Request, { name, role }: AdminCaller): Promise<Response> {
    const refusal = refuseByRole(request, role);
    if (refusal !== null) return renderFailure(refusal);
    if (running >= REQUESTS_MAX) {
      const busy = 'too many requests of operators at once';
      return renderFailure(new OperationError('unavailable', busy), { 'retry-after': '1' });
    }
    running += 1;
    try {
      const answer = answers[role === 'admin' ? 'admin' : 'viewer'];
      return await runAs({ actor: name, origin: 'admin tcp' }, () => answer(request));
    } finally {
      running -= 1;
    }
  }

  const server = Bun.serve({
    hostname,
    port,
    ...(tls === null ? {} : { tls: { cert: Bun.file(tls.certFile), key: Bun.file(tls.keyFile) } }),
    maxRequestBodySize: BODY_BYTES_MAX,
    idleTimeout: QUIET_SECONDS,
    development: false,
    error: (cause) => {
      options.onFailure(new OperationError('internal', 'the admin plane failed', { cause }));
      return renderFailure(new OperationError('internal', 'the admin plane failed'));
    },
    async fetch(request, bun) {
      const refusal = refuseBrowser(request);
      if (refusal !== null) return renderFailure(refusal, CLOSE);
      const login = keys().login(request.headers.get('authorization'));
      if (typeof login === 'string') {
        onRefused(login, bun.requestIP(request)?.address ?? null);
        return renderFailure(NO_KEY, { ...CLOSE, 'www-authenticate': 'Bearer' });
      }
      // A ledger check may be silent for minutes.
      bun.timeout(request, 0);
      return serve(request, login);
    },
  });
  return {
    url: server.url.href.replace(/\/$/, ''),
    port: server.port ?? port,
    stop: () => stopServer(server),
  };
}

/** Digests are made once for each list of keys. */
function watchKeys(find: () => readonly AdminKey[]): () => AdminKeys {
  let known = find();
  let keys = createAdminKeys(known);
  return () => {
    const now = find();
    if (now !== known) {
      known = now;
      keys = createAdminKeys(now);
    }
    return keys;
  };
}

const CLOSE = { connection: 'close' };

/** The same for no key and an unknown one. */
const NO_KEY = new OperationError('unauthenticated', 'an admin key of the configuration is needed');

/**
 * No page in a browser has business here: a request that was made by one is refused before its key
 * is looked at, so that neither a rebound name nor a stolen session helps.
 */
function refuseBrowser(request: Request): OperationError | null {
  if (request.headers.has('origin') || request.headers.has('sec-fetch-mode')) {
    return new OperationError('not_allowed', 'the admin plane does not answer browsers');
  }
  // Bun gives the bare path when the `Host` header cannot be part of a URL.
  if (request.url.startsWith('/')) {
    return new OperationError('invalid', 'the Host header is not a host name');
  }
  return null;
}

function refuseByRole(request: Request, role: AdminCaller['role']): OperationError | null {
  const pathname = URL.parse(request.url)?.pathname;
  // A dry run is sent with a body and changes nothing.
  const asks = request.method === 'POST' && pathname === '/admin/v1/explain';
  const reads = asks || request.method === 'GET' || request.method === 'HEAD';
  const scrapes = reads && pathname === '/metrics';
  if (role === 'admin' || (role === 'viewer' && reads) || scrapes) return null;
  const may = role === 'viewer' ? 'may only read' : 'may only read /metrics';
  return new OperationError('not_allowed', `this key has the role "${role}", which ${may}`);
}

function renderFailure(
  { code, message }: OperationError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { status } = OPERATION_ERRORS[code];
  return Response.json({ error: { code, message } }, { status, headers: { ...headers } });
}
