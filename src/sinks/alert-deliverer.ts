import type { Clock, RandomBytes } from '../core/clock.ts';
import { systemTimers, type Timers } from '../core/timers.ts';
import type { Log, LogFields } from '../observe/log.ts';
import { type Alert, toAlertMessage } from './alert-message.ts';
import { Backoff } from './backoff.ts';
import { Bell } from './bell.ts';
import { type SinkFailure, toSinkFailure } from './sink-failure.ts';
import type { Webhook } from './webhook.ts';

/** Alerts of one look. */
const ROUND = 32;

const LOOK_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 1_000;

/** Also what a dead address costs: one request in so much time. */
const LAST_RETRY_MS = 300_000;

/** A budget that was nearly spent a week ago is no news. */
const GIVE_UP_AFTER_MS = 7 * 86_400_000;

/** Delivered alerts that the books could not be told of; past it some are sent twice. */
const MAX_UNMARKED = 1_000;

/** What `close` takes at most. */
const CLOSE_DEADLINE_MS = 2_000;

/** Knows what is still to be told: the books of budget alerts, a queue in memory of others. */
export interface AlertSource<T> {
  /** Oldest first, at most `limit`. */
  undelivered(limit: number): T[];
  markDelivered(alert: T, atMs: number): void;
}

export interface AlertDelivererOptions<T extends Timed> {
  readonly alerts: AlertSource<T>;
  readonly webhook: Webhook;
  readonly installId: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly timers?: Timers;
}

/** Something to tell that happened at one moment. */
interface Timed {
  readonly atMs: number;
}

export interface AlertText<T> {
  /** The same alert has the same id in every attempt, so that a receiver can tell. */
  readonly toMessage: (
    alert: T,
    installId: string,
  ) => { readonly id: string; readonly body: string };
  /** Which alert it was, for the log. */
  readonly describe: (alert: T) => LogFields;
}

/** Tells of what was found: every alert at least once, and nobody ever waits for it. */
export interface AlertDeliverer {
  /** There may be a new alert. Does not shorten the wait after a failure. */
  nudge(): void;
  stats(): AlertStats;
  /** Lets a delivery under way end, for 2 s at most. What is left waits for the next start. */
  close(): Promise<void>;
}

export interface AlertStats {
  readonly delivered: number;
  readonly failed: number;
  readonly retried: number;
  /** Alerts older than a week that were never taken. */
  readonly givenUp: number;
}

interface RoundResult<T> {
  readonly failure: SinkFailure | undefined;
  readonly untold: ReadonlySet<T>;
}

/** Delivers alerts of budgets. */
export function createAlertDeliverer<T extends Alert>(
  options: AlertDelivererOptions<T>,
): AlertDeliverer {
  return createDeliverer<T>(options, {
    toMessage: toAlertMessage,
    describe: ({ per, subject, window, threshold }) => ({ per, subject, window, threshold }),
  });
}

/** Delivers whatever `text` can put into words. */
export function createDeliverer<T extends Timed>(
  options: AlertDelivererOptions<T>,
  text: AlertText<T>,
): AlertDeliverer {
  return new LoopingDeliverer(options, text);
}

class LoopingDeliverer<T extends Timed> implements AlertDeliverer {
  readonly #options: AlertDelivererOptions<T>;
  readonly #text: AlertText<T>;
  readonly #timers: Timers;
  readonly #news: Bell;
  readonly #end: Bell;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #unmarked = new Set<string>();
  #isClosing = false;
  #delivered = 0;
  #failed = 0;
  #retried = 0;
  #givenUp = 0;

  constructor(options: AlertDelivererOptions<T>, text: AlertText<T>) {
    const { random, timers = systemTimers } = options;
    this.#options = options;
    this.#text = text;
    this.#timers = timers;
    this.#news = new Bell(timers);
    this.#end = new Bell(timers);
    this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, maxMs: LAST_RETRY_MS, random });
    this.#running = this.#run();
  }

  nudge(): void {
    this.#news.ring();
  }

  stats(): AlertStats {
    return {
      delivered: this.#delivered,
      failed: this.#failed,
      retried: this.#retried,
      givenUp: this.#givenUp,
    };
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#news.ring();
    this.#end.ring();
    const cancel = this.#timers.after(CLOSE_DEADLINE_MS, () => this.#stop.abort());
    await this.#running;
    cancel();
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      const found = this.#look();
      const { failure, untold } = await this.#deliverAll(found);
      if (this.#isClosing) return;
      if (failure !== undefined) await this.#end.wait(this.#fail(failure, untold));
      else if (found.length < ROUND) await this.#news.wait(LOOK_EVERY_MS);
    }
  }

  #look(): readonly T[] {
    try {
      return this.#options.alerts.undelivered(ROUND);
    } catch (cause) {
      this.#options.log.warn('alerts_unreadable', { cause });
      return [];
    }
  }

  /** The last failure, if any, and who was not told. A dead address ends the round. */
  async #deliverAll(alerts: readonly T[]): Promise<RoundResult<T>> {
    const untold = new Set(alerts);
    let failure: SinkFailure | undefined;
    for (const alert of alerts) {
      if (this.#isClosing) break;
      const message = this.#text.toMessage(alert, this.#options.installId);
      try {
        if (!this.#unmarked.has(message.id)) await this.#post(message);
        untold.delete(alert);
        this.#mark(alert, message.id);
      } catch (cause) {
        failure = toSinkFailure(cause, 'delivering');
        // What is refused for its content must not keep the others from being told.
        if (failure.kind !== 'rejected') break;
      }
    }
    if (failure === undefined && alerts.length > 0) this.#backoff.succeed();
    return { failure, untold };
  }

  async #post(message: { readonly id: string; readonly body: string }): Promise<void> {
    if (this.#backoff.failures > 0) this.#retried += 1;
    try {
      await this.#options.webhook.post(message, this.#stop.signal);
      this.#delivered += 1;
    } catch (cause) {
      this.#failed += 1;
      throw cause;
    }
  }

  #mark(alert: T, id: string): void {
    try {
      this.#options.alerts.markDelivered(alert, this.#options.clock.nowMs());
      this.#unmarked.delete(id);
    } catch (cause) {
      // Told all the same: it is remembered here until the books can be written.
      if (this.#unmarked.size < MAX_UNMARKED) this.#unmarked.add(id);
      throw cause;
    }
  }

  /** How long to wait. */
  #fail(failure: SinkFailure, untold: ReadonlySet<T>): number {
    const { log } = this.#options;
    const waitMs = this.#backoff.fail(failure.retryAfterMs);
    if (this.#backoff.failures === 1) log.warn('alerts_failing', { cause: failure });
    this.#giveUp(untold);
    return waitMs;
  }

  #giveUp(untold: ReadonlySet<T>): void {
    const { alerts, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    for (const alert of untold) {
      if (nowMs - alert.atMs < GIVE_UP_AFTER_MS) continue;
      try {
        alerts.markDelivered(alert, nowMs);
      } catch {
        return; // The books cannot be written; the next round tries again.
      }
      this.#givenUp += 1;
      log.error('alert_given_up', this.#text.describe(alert));
    }
  }
}
