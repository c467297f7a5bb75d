import type { AdminAppOptions } from './admin-app.ts';

export type AdminFetch = (request: Request) => Promise<Response>;

/**
 * The admin app, without a door. A gateway starts without the 20 ms and 10 MB of it; the first
 * request pays for them.
 */
export function createAdminFetch(options: AdminAppOptions): AdminFetch {
  let app: Promise<{ fetch(request: Request): Response | Promise<Response> }> | undefined;
  const loadApp = async () => (await import('./admin-app.ts')).createAdminApp(options);
  return async (request) => {
    app ??= loadApp();
    return (await app).fetch(request);
  };
}
