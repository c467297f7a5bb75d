import { lstatSync, unlinkSync } from 'node:fs';
import { ACTOR_HEADER, parseActorHeader, runAs } from './actor.ts';
import type { AdminAppOptions } from './admin-app.ts';

/** A ledger check may run for minutes; a drain must not wait for it. */
const STOP_DEADLINE_MS = 5_000;

/**
 * A ledger check reads every row and may be silent for minutes. Typed for ports only, yet on a unix
 * socket it is what works: `server.timeout()` is ignored there and 10 s cut the caller off.
 */
const NEVER_IDLE: object = { idleTimeout: 0 };

export interface AdminServer {
  /** Stops listening and removes the socket; requests that run get 5 s to be answered. */
  stop(): Promise<void>;
}

export interface AdminServerOptions extends AdminAppOptions {
  /** `<data_dir>/admin.sock`. The data directory is 0700 and its lock is held by the caller. */
  readonly socketPath: string;
}

/**
 * Serves the admin API on a unix socket. Whoever may open the file is an operator, so the file is
 * made 0600 by the umask of the bind itself: there is no moment in which it is wider.
 *
 * Throws when something that is not a socket lies at the path.
 */
export function startAdminServer(options: AdminServerOptions): AdminServer {
  // A gateway starts without the 20 ms and 10 MB of the app; the first operator pays for them.
  let app: Promise<{ fetch(request: Request): Response | Promise<Response> }> | undefined;
  const loadApp = async () => (await import('./admin-app.ts')).createAdminApp(options);
  removeStaleSocket(options.socketPath);
  const umask = process.umask(0o177);
  try {
    const server = Bun.serve({
      unix: options.socketPath,
      // Past the limit of the app, which answers with a document; this one only cuts off.
      maxRequestBodySize: 1024 * 1024,
      ...NEVER_IDLE,
      fetch: async (request) => {
        app ??= loadApp();
        const actor = parseActorHeader(request.headers.get(ACTOR_HEADER));
        const loaded = await app;
        return runAs({ actor, origin: 'admin socket' }, () => loaded.fetch(request));
      },
    });
    return { stop: () => stopWithin(server, STOP_DEADLINE_MS) };
  } finally {
    process.umask(umask);
  }
}

async function stopWithin(server: Bun.Server<undefined>, deadlineMs: number): Promise<void> {
  const impatience = setTimeout(() => server.stop(true), deadlineMs);
  await server.stop();
  clearTimeout(impatience);
}

/** A socket file outlives the process that was killed; only the holder of the lock may say so. */
function removeStaleSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is in the way: it is not a socket`);
  unlinkSync(path);
}
