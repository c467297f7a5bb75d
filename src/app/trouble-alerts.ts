import type { Clock, RandomBytes } from '../core/clock.ts';
import type { Timers } from '../core/timers.ts';
import type { Log, LogFields } from '../observe/log.ts';
import { type AlertDeliverer, type AlertStats, createDeliverer } from '../sinks/alert-deliverer.ts';
import { type TroubleNote, toTroubleMessage } from '../sinks/trouble-message.ts';
import type { Webhook } from '../sinks/webhook.ts';
import { FaultSamples } from './troubles/fault-window.ts';
import {
  type Finding,
  findTroubles,
  type RecordingStanding,
  type TroubleBounds,
  type TroubleSources,
} from './troubles/find-troubles.ts';
import { TroubleQueue } from './troubles/trouble-queue.ts';

const LOOK_EVERY_MS = 5_000;
const FAULT_WINDOW_MS = 5 * 60_000;

/** A trouble is over when it has not been seen for so long; what flickers is one trouble. */
const CLEAR_AFTER_MS = 60_000;

/** Tells log and webhook of the gateway's own troubles, for those who have no monitoring that would. */
export interface TroubleAlerts {
  /** Those that are on now. */
  active(): readonly ActiveTrouble[];
  /** null without a webhook. `givenUp` counts notes dropped from a full queue too. */
  stats(): AlertStats | null;
  /** Lets a delivery under way end, for 2 s at most. */
  close(): Promise<void>;
}

export interface ActiveTrouble {
  readonly kind: TroubleNote['kind'];
  readonly subject: string;
  readonly problem: string;
  /** Wall clock. */
  readonly sinceMs: number;
}

export interface TroubleOptions {
  /** Asked at every look, so that a reload holds from the next one on. */
  readonly bounds: () => TroubleBounds;
  readonly sources: TroubleSources;
  /** null: the log alone is told. */
  readonly webhook: Webhook | null;
  readonly installId: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly timers: Timers;
}

export function startTroubleAlerts(options: TroubleOptions): TroubleAlerts {
  return new LookingTroubleAlerts(options);
}

/** A condition that held at the last looks. Monotonic times but for `sinceMs`. */
interface Watched {
  finding: Finding;
  readonly sinceMs: number;
  readonly heldFromMs: number;
  seenMs: number;
  isTold: boolean;
}

class LookingTroubleAlerts implements TroubleAlerts {
  readonly #options: TroubleOptions;
  readonly #queue = new TroubleQueue();
  readonly #deliverer: AlertDeliverer | null;
  readonly #samples = new FaultSamples(FAULT_WINDOW_MS);
  readonly #watched = new Map<string, Watched>();
  #recording: RecordingStanding;
  #recordingFailedMs = Number.NEGATIVE_INFINITY;
  #cancel: () => void;

  constructor(options: TroubleOptions) {
    const { sources, timers, webhook, clock } = options;
    this.#options = options;
    this.#recording = sources.recording();
    this.#samples.add({ atMs: clock.monotonicMs(), ...sources.totals() });
    this.#deliverer =
      webhook === null
        ? null
        : createDeliverer<TroubleNote>(
            { ...options, webhook, alerts: this.#queue },
            { toMessage: toTroubleMessage, describe: describeNote },
          );
    this.#cancel = timers.after(LOOK_EVERY_MS, this.#look);
  }

  active(): readonly ActiveTrouble[] {
    const told = Array.from(this.#watched.values()).filter(({ isTold }) => isTold);
    return told.map(({ finding: { kind, subject, problem }, sinceMs }) => {
      return { kind, subject, problem, sinceMs };
    });
  }

  stats(): AlertStats | null {
    const stats = this.#deliverer?.stats();
    if (stats === undefined) return null;
    return { ...stats, givenUp: stats.givenUp + this.#queue.dropped };
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#deliverer?.close();
  }

  readonly #look = (): void => {
    this.#cancel = this.#options.timers.after(LOOK_EVERY_MS, this.#look);
    try {
      this.#compare(this.#find());
    } catch (cause) {
      this.#options.log.error('troubles_unreadable', { cause });
    }
  };

  #find(): Finding[] {
    const { bounds, sources, clock } = this.#options;
    const atMs = clock.monotonicMs();
    const faults = this.#samples.add({ atMs, ...sources.totals() });
    if (this.#hasFailedToRecord(sources.recording())) this.#recordingFailedMs = atMs;
    // Failures are counted one by one; between two of them nothing has been mended yet.
    const recordingFailed = atMs - this.#recordingFailedMs < CLEAR_AFTER_MS;
    return findTroubles(bounds(), sources, { faults, recordingFailed });
  }

  #hasFailedToRecord(now: RecordingStanding): boolean {
    const before = this.#recording;
    this.#recording = now;
    const hasGrown = now.auditFailures > before.auditFailures || now.dropped > before.dropped;
    return hasGrown || now.unwritten > 0 || now.isContentFailing;
  }

  #compare(findings: readonly Finding[]): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const finding of findings) {
      const name = `${finding.kind} ${finding.subject}`;
      const watched = this.#watched.get(name) ?? this.#watch(name, finding, nowMs);
      watched.finding = finding;
      watched.seenMs = nowMs;
      if (watched.isTold || nowMs - watched.heldFromMs < finding.holdMs) continue;
      watched.isTold = true;
      this.#tell(watched, 'started');
    }
    for (const [name, watched] of this.#watched) {
      if (watched.seenMs === nowMs) continue;
      if (watched.isTold && nowMs - watched.seenMs < CLEAR_AFTER_MS) continue;
      this.#watched.delete(name);
      if (watched.isTold) this.#tell(watched, 'resolved');
    }
  }

  #watch(name: string, finding: Finding, nowMs: number): Watched {
    const sinceMs = this.#options.clock.nowMs();
    const watched = { finding, sinceMs, heldFromMs: nowMs, seenMs: nowMs, isTold: false };
    this.#watched.set(name, watched);
    return watched;
  }

  #tell({ finding, sinceMs }: Watched, phase: TroubleNote['phase']): void {
    const { clock, log } = this.#options;
    const { kind, subject, problem } = finding;
    if (this.#deliverer !== null) {
      this.#queue.push({ kind, subject, phase, problem, sinceMs, atMs: clock.nowMs() });
      this.#deliverer.nudge();
    }
    if (phase === 'started') log.warn('trouble_started', { kind, subject, problem });
    else log.info('trouble_resolved', { kind, subject, problem });
  }
}

function describeNote({ kind, subject, phase }: TroubleNote): LogFields {
  return { kind, subject, phase };
}
