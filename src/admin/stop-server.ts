/** A ledger check may run for minutes; a drain must not wait for it. */
const STOP_DEADLINE_MS = 5_000;

/** Stops listening; requests that run get 5 s to be answered. */
export async function stopServer(server: Bun.Server<undefined>): Promise<void> {
  const impatience = setTimeout(() => server.stop(true), STOP_DEADLINE_MS);
  await server.stop();
  clearTimeout(impatience);
}
