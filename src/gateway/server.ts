import { GateError } from '../core/error.ts';
import { findRoute } from '../protocols/route.ts';
import type { Gate } from './gate.ts';
import { QUIET_CONNECTION_SECONDS } from './ports.ts';
import { renderError } from './refuse.ts';
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
    error: () => answerNowhere(gate, new GateError('internal', 'The gateway failed.')),
    fetch(request, bun) {
      const path = pathOf(request.url);
      if (path === '/healthz') return new Response('ok\n');
      if (path === '/readyz') return readiness(gate);
      if (gate.draining) return answerNowhere(gate, new GateError('draining', 'Shutting down.'));
      const found = findRoute(request.method, path);
      if (found === 'unknown') {
        return answerNowhere(gate, new GateError('route_not_found', 'There is no such path here.'));
      }
      if (found === 'wrong_method') {
        return answerNowhere(
          gate,
          new GateError('method_not_allowed', `The method ${request.method} is not offered here.`),
        );
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

/** The path of a request URL, without the cost of a URL object. */
export function pathOf(url: string): string {
  const scheme = url.indexOf('://');
  const start = scheme === -1 ? 0 : url.indexOf('/', scheme + 3);
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

/** An error of a request that belongs to no exchange: it was never begun. */
function answerNowhere(gate: Gate, error: GateError): Response {
  const headers = error.code === 'draining' ? { connection: 'close' } : {};
  return renderError(error, { dialect: 'openai', id: gate.requestIds(), headers });
}
