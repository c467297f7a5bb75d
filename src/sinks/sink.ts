import type { Clock } from '../core/clock.ts';
import type { Timers } from '../core/timers.ts';
import type { AuditBatch } from './record.ts';

/** One place the audit trail is copied to. Its pump calls one method at a time. */
export interface Sink {
  /** Names its cursor and its counters. */
  readonly id: string;
  readonly type: 'file' | 'syslog' | 's3' | 'webhook';
  /** How long rows may wait for more to share a write; 0 writes what there is. */
  readonly gatherMs: number;
  /**
   * Resolves when the batch is as safe as this kind of sink can make it; rejects when it is not
   * known to be. A batch that was rejected comes again, whole or its first part.
   */
  write(batch: AuditBatch, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What every sink is made with. */
export interface SinkParts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Tells the deliveries of one gateway from those of another. */
  readonly installId: string;
}
