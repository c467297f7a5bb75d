import { isIP } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import type { Origin } from '../origin.ts';
import type { Watchdog } from '../watchdog.ts';
import type { OriginStats } from './client.ts';
import { Connection } from './connection.ts';
import { type Dial, prepareDial } from './dial.ts';
import { FAILURE_CAUSES, type FailureCause, type FailureStage } from './send-failure.ts';
import type { ActiveSending } from './sending.ts';

export interface PoolSettings {
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly maxIdle: number;
  readonly idleTtlMs: number;
  readonly nameMaxAgeMs: number;
  readonly maxConnections: number;
  readonly trustedCa: string | undefined;
  readonly onReaderError: (error: unknown) => void;
}

/**
 * Bun cannot call off a handshake, and the system tries for two minutes. Against an address that
 * swallows packets, the ones nobody waits for any more would use up the file descriptors: after this
 * many in a row only one is begun per PROBE_MS, which also notices when the backend is back.
 */
const HANGING_MAX = 256;
const PROBE_MS = 250;

/** Addresses do not change. Renewing now and then still lets a balancer in front spread the load. */
const ADDRESS_MAX_AGE_MS = 300_000;

/**
 * The connections to one origin. Idle ones are used last in, first out: the warmest is least likely
 * to be dying, and what is not needed ages out.
 */
export class OriginPool {
  readonly settings: PoolSettings;
  /** Older connections carry no further request. */
  readonly maxAgeMs: number;
  readonly #origin: Origin;
  readonly #dial: Dial;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  #abandoned = 0;
  /** Of those, the ones since a handshake last succeeded. */
  #hanging = 0;
  #probeMs = 0;
  #openedTotal = 0;
  #reusedTotal = 0;
  readonly #failures = createCounters();

  constructor(origin: Origin, settings: PoolSettings) {
    this.settings = settings;
    this.#origin = origin;
    this.#dial = prepareDial(origin, settings.trustedCa);
    const isName = origin.unixPath === null && isIP(origin.hostname) === 0;
    this.maxAgeMs = isName ? settings.nameMaxAgeMs : ADDRESS_MAX_AGE_MS;
  }

  get size(): number {
    return this.#all.size;
  }

  send(sending: ActiveSending): void {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (!idle.reuse(sending)) continue;
      sending.reusedConnection = true;
      this.#reusedTotal++;
      return;
    }
    if (this.#all.size >= this.settings.maxConnections) {
      this.refuse(sending, 'too_many_connections', `${this.#all.size} connections are open`);
    } else if (this.#hanging >= HANGING_MAX && sending.startMs < this.#probeMs + PROBE_MS) {
      this.refuse(sending, 'too_many_connections', `${this.#hanging} handshakes hang`);
    } else {
      this.#probeMs = sending.startMs;
      const connection = new Connection(this, sending);
      this.#all.add(connection);
      this.settings.watchdog.add(connection);
      this.#openedTotal++;
      this.#dial(connection);
    }
  }

  /** Fails a request that got no connection, after `send` has returned. */
  refuse(sending: ActiveSending, cause: FailureCause, problem: string): void {
    queueMicrotask(() => {
      if (sending.over) return;
      sending.over = true;
      this.fail(sending, 'nothing_sent', cause, problem);
    });
  }

  /** Counts a failure and tells the reader. The request must be over and off its connection. */
  fail(sending: ActiveSending, stage: FailureStage, cause: FailureCause, problem: string): void {
    this.#failures[cause]++;
    try {
      sending.reader.onFailure({ stage, cause, message: `${this.#origin.key}: ${problem}` });
    } catch (error) {
      this.settings.onReaderError(error);
    }
  }

  rest(connection: Connection): void {
    if (this.#idle.length < this.settings.maxIdle) this.#idle.push(connection);
    else connection.close();
  }

  /** They may lead nowhere: the next request opens a connection of its own. */
  closeIdle(): void {
    for (const idle of this.#idle.splice(0)) idle.close();
  }

  /** Nobody waits for a handshake any more; `forget` follows when the system ends it. */
  abandon(): void {
    this.#abandoned++;
    this.#hanging++;
  }

  /** A handshake succeeded. */
  reached(): void {
    this.#hanging = 0;
  }

  forget(connection: Connection, wasIdle: boolean): void {
    if (!this.#all.delete(connection)) return;
    if (connection.abandoned) {
      this.#abandoned--;
      this.#hanging = Math.max(0, this.#hanging - 1);
    }
    this.settings.watchdog.remove(connection);
    const at = wasIdle ? this.#idle.lastIndexOf(connection) : -1;
    if (at >= 0) this.#idle.splice(at, 1);
  }

  stats(): OriginStats {
    const requests = this.#openedTotal + this.#reusedTotal;
    return {
      key: this.#origin.key,
      open: this.#all.size,
      idle: this.#idle.length,
      abandoned: this.#abandoned,
      openedTotal: this.#openedTotal,
      reusedTotal: this.#reusedTotal,
      reusedRatio: requests === 0 ? null : this.#reusedTotal / requests,
      failures: { ...this.#failures },
    };
  }

  close(): void {
    for (const connection of [...this.#all]) connection.shutDown();
  }
}

function createCounters(): Record<FailureCause, number> {
  const counters: Partial<Record<FailureCause, number>> = {};
  for (const cause of FAILURE_CAUSES) counters[cause] = 0;
  return counters as Record<FailureCause, number>; // Filled for every cause on the line above.
}
