import type { AuditAction } from '../audit/actions.ts';
import {
  createFailedLogins,
  type FailedLoginSummary,
  type FailedLogins,
} from '../audit/failed-logins.ts';
import type { Config } from '../config/config.ts';
import { type ConfigChange, configChanges, configSettings } from '../config/config-changes.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../observe/log.ts';
import type { AuditTrail } from '../store/audit-trail.ts';
import type { Checkpointer } from '../store/checkpointer.ts';

const LOOK_EVERY_MS = 5_000;

/** What a running gateway itself adds to the trail. */
export interface AuditKeeper {
  readonly failedLogins: FailedLogins;
  /** Both at start. A trail that cannot be written does not keep the gateway from starting. */
  started(facts: Readonly<Record<string, unknown>>): void;
  loaded(file: ConfigFileFacts, config: Config): void;
  /** Before the new configuration is taken: throws `store_unavailable`, and then it must not be. */
  reloading(file: ConfigFileFacts, before: Config, after: Config): void;
  reloadRefused(file: ConfigFileFacts, problems: string): void;
  /** Other values of `audit.checkpoint_interval`; takes effect at once. */
  setCheckpointInterval(intervalMs: number): void;
  counters(): AuditCounters;
  /** Writes what is held back, says that the gateway ends, and signs a last checkpoint. */
  close(): void;
}

/** Where a configuration came from. */
export interface ConfigFileFacts {
  readonly generation: number;
  /** null when it was discovered. */
  readonly path: string | null;
  /** SHA-256 of the bytes of the file, hexadecimal; null without one. */
  readonly sha256: string | null;
  /** `file` for a change that was seen, `signal`, `admin socket`; the start is `gateway`. */
  readonly origin: string;
  readonly actor: string;
}

export interface AuditCounters {
  readonly checkpoints: number;
  /** Events and checkpoints that the store refused. */
  readonly failures: number;
}

interface KeeperOptions {
  readonly audit: AuditTrail;
  readonly checkpointer: Checkpointer;
  readonly clock: Clock;
  readonly log: Log;
  readonly checkpointIntervalMs: number;
}

export function startAuditKeeper(options: KeeperOptions): AuditKeeper {
  const { audit, checkpointer, clock, log } = options;
  let checkpoints = 0;
  let failures = 0;
  let isFailing = false;

  /** Tells of the first failure and of the end of them; what is between is counted. */
  function attempt(what: string, write: () => void): boolean {
    try {
      write();
    } catch (cause) {
      failures += 1;
      if (!isFailing) log.error('audit_failing', { what, cause });
      isFailing = true;
      return false;
    }
    if (isFailing) log.info('audit_recovered', {});
    isFailing = false;
    return true;
  }

  const write = (action: AuditAction, origin: Origin, after: unknown): void => {
    audit.record({ atMs: clock.nowMs(), action, target: '', before: null, after, ...origin });
  };
  const failedLogins = createFailedLogins({
    nowMs: clock.nowMs,
    record: (summary) =>
      attempt('login.fail', () => write('login.fail', STRANGERS, toLoginFacts(summary))),
  });
  const checkpoint = (): void => {
    attempt('checkpoint', () => {
      if (checkpointer.takeIfChanged() !== null) checkpoints += 1;
    });
  };
  const looker = setInterval(failedLogins.flushIfDue, LOOK_EVERY_MS);
  looker.unref();
  let checkpointTimer = startTimer(checkpoint, options.checkpointIntervalMs);

  return {
    failedLogins,
    started: (facts) => void attempt('gateway.start', () => write('gateway.start', OWN, facts)),
    loaded(file, config) {
      const facts = { ...toFacts(file), settings: configSettings(config) };
      attempt('config.load', () => write('config.load', toOrigin(file), facts));
    },
    reloading(file, before, after) {
      const changes: ConfigChange[] = configChanges(before, after);
      write('config.reload', toOrigin(file), { ok: true, ...toFacts(file), changes });
    },
    reloadRefused(file, problems) {
      const facts = { ok: false, ...toFacts(file), problems };
      attempt('config.reload', () => write('config.reload', toOrigin(file), facts));
    },
    setCheckpointInterval(intervalMs) {
      clearInterval(checkpointTimer);
      checkpointTimer = startTimer(checkpoint, intervalMs);
    },
    counters: () => ({ checkpoints, failures }),
    close() {
      clearInterval(looker);
      clearInterval(checkpointTimer);
      failedLogins.flush();
      attempt('gateway.stop', () => write('gateway.stop', OWN, null));
      checkpoint();
    },
  };
}

type Origin = { readonly actor: string; readonly origin: string };

const OWN: Origin = { actor: 'gateway', origin: 'gateway' };
const STRANGERS: Origin = { actor: 'unknown', origin: 'data plane' };

function toOrigin({ actor, origin }: ConfigFileFacts): Origin {
  return { actor, origin };
}

function toFacts({ generation, path, sha256 }: ConfigFileFacts) {
  return { generation, file: path, sha256 };
}

function toLoginFacts(summary: FailedLoginSummary) {
  return {
    count: summary.count,
    by_reason: summary.byReason,
    first_at: new Date(summary.firstAtMs).toISOString(),
    last_at: new Date(summary.lastAtMs).toISOString(),
    addresses: summary.addresses,
    more_addresses: summary.moreAddresses,
    key_ids: summary.keyIds,
    more_key_ids: summary.moreKeyIds,
  };
}

/** A longer wait is none: timers count in 32 bits. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function startTimer(work: () => void, everyMs: number): ReturnType<typeof setInterval> {
  const timer = setInterval(work, Math.min(everyMs, TIMER_MAX_MS));
  timer.unref();
  return timer;
}
