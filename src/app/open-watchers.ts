import type { ScaleHooks } from '../backends/process/scale-hooks.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Log } from '../observe/log.ts';
import type { Observatory } from './observatory.ts';
import { openConfiguredScaleHooks } from './open-scale-hooks.ts';
import { openTroubleAlerts } from './open-trouble-alerts.ts';
import type { Pool } from './pool.ts';
import type { Records } from './records.ts';
import type { Reloader } from './reload.ts';
import { type Retention, startRetention } from './retention.ts';
import type { TroubleAlerts } from './trouble-alerts.ts';

/** What looks at the gateway every now and then and acts by itself. */
export interface Watchers {
  readonly retention: Retention;
  readonly troubles: TroubleAlerts;
  readonly scale: ScaleHooks;
  close(): Promise<void>;
}

interface WatcherParts {
  readonly gate: Gate;
  readonly pool: Pool;
  readonly records: Records;
  readonly observatory: Observatory;
  readonly reloader: Reloader;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Throws for a webhook secret that cannot be used. */
export function openWatchers(parts: WatcherParts): Watchers {
  const { gate, pool, records, observatory, reloader, clock, random, log, env } = parts;
  const config = () => reloader.config;
  const retention = startRetention({ records, clock, log: log.for('store'), config });
  const { metrics } = observatory;
  const troubles = openTroubleAlerts({
    ...{ pool, records, clock, random, metrics, config, log: log.for('sinks') },
  });
  const scale = openConfiguredScaleHooks({
    config: config(),
    gate,
    pool,
    clock,
    log: log.for('process'),
    env,
  });
  const unfollow = reloader.onReload(({ scaleHooks }) => scale.replaceHooks(scaleHooks));
  return {
    ...{ retention, troubles, scale },
    async close() {
      unfollow();
      await Promise.all([retention.close(), troubles.close(), scale.stop()]);
    },
  };
}
