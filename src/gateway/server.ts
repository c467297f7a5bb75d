import { GateError } from '../core/error.ts';
import { findRoute, ROUTES } from '../protocols/route.ts';
import type { Gate } from './gate.ts';
import { QUIET_CONNECTION_SECONDS } from './ports.ts';
import { renderError } from './refuse.ts';
import type { ReplyHeaderFields } from './reply-headers.ts';
import { handle } from './spine.ts';

export interface DataPlane {
  readonly port: number;
  readonly url: string;
  /** Stops accepting connections; requests in flight go on. Resolves when the last one is done. */
  stop(): Promise<void>;
  /** Closes everything now. */
  kill(): void;
}

export interface DataPlaneOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}

/** Opens the data plane. Throws when the address cannot be bound. */
export function startDataPlane(gate: Gate, options: DataPlaneOptions): DataPlane {
  const { hostname, port, tls } = options;
  const server = Bun.serve({
    hostname,
    port,
    ...(tls === null ? {} : { tls: { cert: Bun.file(tls.certFile), key: Bun.file(tls.keyFile) } }),
    // Ours are the bounds of `read`, which answer in the caller's protocol.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: QUIET_CONNECTION_SECONDS,
    development: false,
    error(cause) {
      gate.log.error('request_failed', { code: 'internal', cause });
      return answerNowhere(gate, '', new GateError('internal', 'The gateway failed.'));
    },
    fetch(request, bun) {
      const path = pathOf(request.url);
      if (hasBadHost(request)) {
        const error = new GateError('invalid_request', 'The Host header is not a host name.');
        return answerNowhere(gate, path, error, CLOSE);
      }
      if (path === '/healthz') return new Response('ok\n');
      if (path === '/readyz') return readiness(gate);
      if (gate.draining) {
        const error = new GateError('draining', 'The gateway is shutting down.');
        return answerNowhere(gate, path, error, CLOSE);
      }
      const found = findRoute(request.method, path);
      if (found === 'unknown') {
        const error = new GateError('route_not_found', 'There is no such path here.');
        return answerNowhere(gate, path, error);
      }
      if (found === 'wrong_method') {
        const message = `The method ${request.method} is not offered here.`;
        const error = new GateError('method_not_allowed', message);
        return answerNowhere(gate, path, error, { allow: methodOf(path) });
      }
      return handle(request, found, gate, bun);
    },
  });
  return {
    port: server.port ?? port,
    url: server.url.href.replace(/\/$/, ''),
    stop: () => server.stop(false),
    kill: () => void server.stop(true),
  };
}

const SLASH = 0x2f;

/**
 * The path of a request URL, without the cost of a URL object. Bun gives the bare path when the
 * `Host` header cannot be part of a URL.
 */
export function pathOf(url: string): string {
  const start = url.charCodeAt(0) === SLASH ? 0 : url.indexOf('/', url.indexOf('://') + 3);
  if (start === -1) return '/';
  for (let end = start; end < url.length; end += 1) {
    const code = url.charCodeAt(end);
    if (code === 0x3f || code === 0x23) return url.slice(start, end);
  }
  return url.slice(start);
}

function readiness(gate: Gate): Response {
  if (gate.draining) return new Response('draining\n', { status: 503 });
  if (!gate.discovered) return new Response('listing models\n', { status: 503 });
  return new Response('ready\n');
}

/** RFC 9112 §3.2: such a request is refused, because another server may read its URL differently. */
function hasBadHost({ url, headers }: Request): boolean {
  return url.charCodeAt(0) === SLASH && (headers.get('host') ?? '') !== '';
}

const CLOSE = { connection: 'close' };

/** An error of a request that belongs to no exchange: it was never begun. */
function answerNowhere(
  gate: Gate,
  path: string,
  error: GateError,
  headers: ReplyHeaderFields = {},
): Response {
  // By its beginning, because most of these paths are no routes.
  const dialect = path.startsWith('/v1/messages') ? 'anthropic' : 'openai';
  return renderError(error, { dialect, id: gate.requestIds(), headers: { ...headers } });
}

/** The one method of a path that has a route. */
function methodOf(path: string): string {
  return ROUTES.find((route) => route.path === path)?.method ?? 'GET';
}
