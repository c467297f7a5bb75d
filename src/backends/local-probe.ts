import type { Clock } from '../core/clock.ts';
import { openHttpClient } from './http1/client.ts';
import { collect } from './http1/collect.ts';
import type { Probe } from './local-engines.ts';
import { parseOrigin } from './origin.ts';
import { startWatchdog } from './watchdog.ts';

const MOST_BYTES = 1_000_000;

/**
 * A probe over the transport that requests use: unlike `fetch` it follows no redirect and asks no
 * proxy of the environment, so it cannot leave the address it was given. Close it when done.
 */
export function openLocalProbe(clock: Clock): { readonly probe: Probe; close(): void } {
  // The deadline of a probe is short, so it is looked at more often than that of a request.
  const watchdog = startWatchdog(clock, 20);
  const client = openHttpClient({ watchdog, clock });
  const probe: Probe = async (url, path, deadlineMs) => {
    const origin = parseOrigin(url);
    const deadlines = {
      connectMs: deadlineMs,
      firstByteMs: deadlineMs,
      idleMs: deadlineMs,
      totalMs: deadlineMs,
    };
    try {
      const { status, headers, body } = await collect(
        client,
        {
          origin,
          method: 'GET',
          path: `${origin.basePath}${path}`,
          headers: [['accept', 'application/json']],
          body: null,
          deadlines,
        },
        MOST_BYTES,
      );
      return { status, headerNames: headers.entries.map(([name]) => name), body };
    } catch {
      return null;
    }
  };
  return {
    probe,
    close() {
      client.close();
      watchdog.close();
    },
  };
}
