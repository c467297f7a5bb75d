import type { Clock } from '../../core/clock.ts';
import type { Origin } from '../origin.ts';
import type { Watchdog } from '../watchdog.ts';
import { OriginPool } from './origin-pool.ts';
import type { ReplyHead } from './reply-head.ts';
import { renderRequestHead } from './request-head.ts';
import type { FailureCause, SendFailure } from './send-failure.ts';
import { ActiveSending } from './sending.ts';

/** All but `idleMs` count from the start of `send()`. Infinity is off. */
export interface Deadlines {
  /** TCP and TLS handshake done. A connection from the pool needs none. */
  readonly connectMs: number;
  /** First byte of the reply. */
  readonly firstByteMs: number;
  /** The longest silence between bytes of the reply; does not run while paused. */
  readonly idleMs: number;
  readonly totalMs: number;
}

export interface OutgoingRequest {
  readonly origin: Origin;
  readonly method: string;
  /** With the origin's base path and the query. */
  readonly path: string;
  /** Lower-case names. Not host, content-length, connection and the like: the client writes them. */
  readonly headers: readonly (readonly [string, string])[];
  /** Not copied and not to be changed until the reply has ended. */
  readonly body: Uint8Array | null;
  readonly deadlines: Deadlines;
}

/** Exactly one of `onEnd` and `onFailure` is called, once, and neither after `abort()`. */
export interface ReplyReader {
  onHead(head: ReplyHead): void;
  /** Body bytes without framing. The reader may keep the array. */
  onData(bytes: Uint8Array): void;
  /**
   * The body is complete by its framing. `closeDelimited`: it had none, and ended because the
   * backend closed the connection, which a crashed backend does as well.
   */
  onEnd(closeDelimited: boolean): void;
  onFailure(failure: SendFailure): void;
}

export interface Sending {
  /** Bytes of the request have been written, so the backend may be at work on it. */
  readonly hasBegun: boolean;
  /** Closes the connection at once. No callback follows. Does nothing after the end. */
  abort(): void;
  /** Stops reading. At most what was already read is still delivered. */
  pause(): void;
  resume(): void;
  /** The request went out on a connection that had carried one before. */
  readonly reusedConnection: boolean;
  /**
   * Which of the backend's credentials it carries; -1 for none. The client does not look at it:
   * who addresses the request writes it, for who asks later.
   */
  credential: number;
}

export interface OriginStats {
  readonly key: string;
  /** Connections that exist: being opened, in use, or idle. */
  readonly open: number;
  readonly idle: number;
  /** Handshakes that nobody waits for any more and that the system has not given up yet. */
  readonly abandoned: number;
  readonly openedTotal: number;
  readonly reusedTotal: number;
  /** Part of the requests that found a connection, 0 to 1; null before the first one. */
  readonly reusedRatio: number | null;
  readonly failures: Readonly<Record<FailureCause, number>>;
}

export interface HttpClientOptions {
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly maxIdlePerOrigin?: number;
  /** Below the five seconds after which common servers close a silent connection. */
  readonly idleTtlMs?: number;
  /** Connections to a name that are older are not used again, so that DNS changes are followed. */
  readonly nameMaxAgeMs?: number;
  readonly maxConnectionsPerOrigin?: number;
  /** PEM certificates to trust instead of the built-in authorities. */
  readonly trustedCa?: string;
  /** Gets what a reader threw. By default it is thrown again, outside of the client. */
  readonly onReaderError?: (error: unknown) => void;
}

export interface HttpClient {
  /**
   * Sends now, on an idle connection or a new one. Throws only for a request that cannot be
   * written (a forbidden character); every other failure goes to the reader, never before this
   * has returned.
   */
  send(request: OutgoingRequest, reader: ReplyReader): Sending;
  stats(): readonly OriginStats[];
  /** Closes everything. Requests in flight fail with cause `closed`. */
  close(): void;
}

/** Origins without a connection are forgotten beyond this many, their counters with them. */
const ORIGINS_MAX = 1_024;

/** An HTTP/1.1 client that keeps connections, reports by callback, and replays nothing. */
export function openHttpClient(options: HttpClientOptions): HttpClient {
  const settings = {
    watchdog: options.watchdog,
    clock: options.clock,
    maxIdle: options.maxIdlePerOrigin ?? 256,
    idleTtlMs: options.idleTtlMs ?? 4_000,
    nameMaxAgeMs: options.nameMaxAgeMs ?? 60_000,
    maxConnections: options.maxConnectionsPerOrigin ?? 16_384,
    trustedCa: options.trustedCa,
    onReaderError: options.onReaderError ?? throwOutside,
  };
  const pools = new Map<string, OriginPool>();
  let closed = false;

  function openPool(origin: Origin): OriginPool {
    if (pools.size >= ORIGINS_MAX) {
      for (const [key, pool] of pools) if (pool.size === 0) pools.delete(key);
    }
    const pool = new OriginPool(origin, settings);
    pools.set(origin.key, pool);
    return pool;
  }

  return {
    send(request, reader) {
      const head = renderRequestHead(request);
      const sending = new ActiveSending(request, head, reader, options.clock.monotonicMs());
      const pool = pools.get(request.origin.key) ?? openPool(request.origin);
      if (closed) pool.refuse(sending, 'closed', 'the client is closed');
      else pool.send(sending);
      return sending;
    },
    stats: () => Array.from(pools.values(), (pool) => pool.stats()),
    close() {
      closed = true;
      for (const pool of pools.values()) pool.close();
    },
  };
}

/** A reader that throws is a bug of ours: it must be seen, and must not disturb the socket. */
function throwOutside(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
