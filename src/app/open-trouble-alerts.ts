import type { Config } from '../config/config.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import { systemTimers } from '../core/timers.ts';
import type { Log } from '../observe/log.ts';
import type { RequestMetrics } from '../observe/metrics/request-metrics.ts';
import { createWebhook } from '../sinks/webhook.ts';
import { freeBytesOn } from '../store/disk-room.ts';
import type { Pool } from './pool.ts';
import type { Records } from './records.ts';
import { startTroubleAlerts, type TroubleAlerts } from './trouble-alerts.ts';

interface TroubleParts {
  readonly pool: Pick<Pool, 'health' | 'scheduler'>;
  readonly records: Pick<Records, 'store' | 'content' | 'keeper' | 'keepsContent'>;
  readonly metrics: Pick<RequestMetrics, 'totals'>;
  /** The current one; the webhook is that of the start. */
  readonly config: () => Config;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** Watches a running gateway for troubles. Throws for a webhook secret that cannot be used. */
export function openTroubleAlerts(parts: TroubleParts): TroubleAlerts {
  const { pool, records, metrics, config, clock, random, log } = parts;
  const { dataDir, alerts } = config();
  const timers = systemTimers;
  return startTroubleAlerts({
    ...{ clock, random, log, timers },
    bounds: () => config().alerts,
    webhook: alerts.webhook === null ? null : createWebhook(alerts.webhook, { clock, timers }),
    installId: records.store.audit.installId,
    sources: {
      backends: () => pool.health.views(clock.monotonicMs()),
      totals: () => metrics.totals(),
      lines: () => pool.scheduler.lines(),
      diskFreeBytes: () => readFreeBytes(dataDir),
      recording() {
        const { unwritten, dropped } = records.store.ledger.stats();
        const { failures } = records.keeper.counters();
        const isContentFailing = records.keepsContent && records.content.isFailing;
        return { auditFailures: failures, unwritten, dropped, isContentFailing };
      },
    },
  });
}

/** A disk that cannot be asked is the trouble of whoever writes to it. */
function readFreeBytes(path: string): number | null {
  try {
    return freeBytesOn(path);
  } catch {
    return null;
  }
}
