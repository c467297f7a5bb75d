import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import { systemTimers } from '../core/timers.ts';
import type { Log } from '../observe/log.ts';
import { type AlertStats, createAlertDeliverer } from '../sinks/alert-deliverer.ts';
import { createExporter, type ExporterStats } from '../sinks/exporter.ts';
import { openSink } from '../sinks/open-sink.ts';
import type { ExportedChain } from '../sinks/record.ts';
import { createWebhook } from '../sinks/webhook.ts';
import type { Store } from '../store/store.ts';

/** What leaves the gateway by itself: the audit trail to its sinks, alerts to their webhook. */
export interface AuditCopies {
  /** A new alert is on record. */
  nudgeAlerts(): void;
  /** What every sink has of a chain; Infinity without sinks. */
  exportedUpTo(chain: ExportedChain): number;
  stats(): { readonly exports: ExporterStats; readonly alerts: AlertStats | null };
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>;
}

interface CopyParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

export function startAuditCopies(store: Store, parts: CopyParts): AuditCopies {
  const { config, clock, random, log } = parts;
  const { installId } = store.audit;
  const machine = { hostname: hostname(), processId: process.pid };
  const places = { clock, timers: systemTimers, installId, ...machine };
  const sinks = config.audit.exports.map((each) => openSink(each, places));
  const { exportCursors: cursors, chainRows: reader } = store;
  const exporter = createExporter({ sinks, reader, cursors, clock, random, log });
  const { webhook } = config.alerts;
  const alerts =
    webhook === null
      ? null
      : createAlertDeliverer({
          alerts: store.budgets,
          webhook: createWebhook(webhook, places),
          ...{ installId, clock, random, log },
        });
  return {
    nudgeAlerts: () => alerts?.nudge(),
    exportedUpTo: (chain) => exporter.exportedUpTo(chain),
    stats: () => ({ exports: exporter.stats(), alerts: alerts?.stats() ?? null }),
    async close() {
      await Promise.all([exporter.close(), alerts?.close()]);
    },
  };
}
