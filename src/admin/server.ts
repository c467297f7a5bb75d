import { lstatSync, unlinkSync } from 'node:fs';
import { ACTOR_HEADER, parseActorHeader, runAs } from './actor.ts';
import type { AdminAppOptions } from './admin-app.ts';
import { createAdminFetch } from './admin-fetch.ts';
import { stopServer } from './stop-server.ts';

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
 * Serves the admin plane on a unix socket. Whoever may open the file is an operator, so the file is
 * made 0600 by the umask of the bind itself: there is no moment in which it is wider.
 *
 * Throws when something that is not a socket lies at the path.
 */
export function startAdminServer(options: AdminServerOptions): AdminServer {
  const answer = createAdminFetch(options);
  removeStaleSocket(options.socketPath);
  const umask = process.umask(0o177);
  try {
    const server = Bun.serve({
      unix: options.socketPath,
      // Past the limit of the app, which answers with a document; this one only cuts off.
      maxRequestBodySize: 1024 * 1024,
      ...NEVER_IDLE,
      fetch(request) {
        const actor = parseActorHeader(request.headers.get(ACTOR_HEADER));
        return runAs({ actor, origin: 'admin socket' }, () => answer(request));
      },
    });
    return { stop: () => stopServer(server) };
  } finally {
    process.umask(umask);
  }
}

/** A socket file outlives the process that was killed; only the holder of the lock may say so. */
function removeStaleSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is in the way: it is not a socket`);
  unlinkSync(path);
}
