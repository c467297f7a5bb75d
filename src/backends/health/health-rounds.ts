import type { Clock } from '../../core/clock.ts';
import { currentHeaders } from '../backend.ts';
import type { HttpClient, OutgoingRequest } from '../http1/client.ts';
import type { BackendHealth } from './backend-health.ts';
import type { HealthSettings } from './health.ts';
import { readLoad } from './load-reader.ts';
import { startProbe } from './probe.ts';

export interface RoundsOptions {
  readonly client: HttpClient;
  readonly clock: Clock;
  /** 0 up to 1, exclusive. */
  readonly random: () => number;
  settings(): HealthSettings;
  /** Something was learned of a backend. `isLoadNew`: its load is another one. */
  onNews(health: BackendHealth, isLoadNew: boolean): void;
  /** A place for another question has become free. */
  onRoom(): void;
}

/** Questions under way at a time, of each kind: slow backends must not hold up the others. */
const PROBES_MAX = 32;
const READS_MAX = 16;
/** The first questions of many backends are spread over this. */
const FIRST_MS = 100;
/** While a state is in doubt. */
const UNSETTLED_MS = 1_000;
/** After an attempt failed, unless it was asked just now. */
const SUSPECT_MS = 50;
/** A page that has nothing to say is asked less often. */
const ABSENT_MS = 60_000;

/** When one backend is asked next, and what is under way. Times are monotonic. */
interface Round {
  readonly health: BackendHealth;
  probeDueMs: number;
  probe: { abort(): void } | null;
  probedMs: number;
  readDueMs: number;
  isReading: boolean;
}

/** Asks backends how they are and how busy they are, each in its own time. */
export class HealthRounds {
  readonly #options: RoundsOptions;
  readonly #rounds = new Map<BackendHealth, Round>();
  #probes = 0;
  #reads = 0;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  add(health: BackendHealth): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#rounds.set(health, {
      health,
      probeDueMs: nowMs + this.#options.random() * FIRST_MS,
      probe: null,
      probedMs: Number.NEGATIVE_INFINITY,
      readDueMs: nowMs + this.#options.random() * FIRST_MS,
      isReading: false,
    });
  }

  remove(health: BackendHealth): void {
    const round = this.#rounds.get(health);
    if (round === undefined) return;
    this.#rounds.delete(health);
    round.probe?.abort();
    if (round.probe !== null) this.#probes--;
  }

  /** What is known of it is in doubt: asks soon. */
  suspect(health: BackendHealth, nowMs: number): void {
    const round = this.#rounds.get(health);
    if (round === undefined) return;
    const earliestMs = Math.max(nowMs + SUSPECT_MS, round.probedMs + UNSETTLED_MS);
    round.probeDueMs = Math.min(round.probeDueMs, earliestMs);
  }

  /** It is back, perhaps as another engine. */
  readSoon(health: BackendHealth, nowMs: number): void {
    const round = this.#rounds.get(health);
    if (round !== undefined) round.readDueMs = Math.min(round.readDueMs, nowMs);
  }

  /** After a reload: what was planned by longer intervals is not waited for. */
  hurry(health: BackendHealth, nowMs: number): void {
    const round = this.#rounds.get(health);
    if (round === undefined) return;
    const { intervalMs, loadIntervalMs } = this.#options.settings();
    round.probeDueMs = Math.min(round.probeDueMs, nowMs + this.#jitter(intervalMs));
    round.readDueMs = Math.min(round.readDueMs, nowMs + this.#jitter(loadIntervalMs));
  }

  /** When it is to be asked next; Infinity while it is being asked, or there is no room to. */
  dueMs(health: BackendHealth): number {
    const round = this.#rounds.get(health);
    let dueMs = Number.POSITIVE_INFINITY;
    if (round === undefined) return dueMs;
    if (this.#probes < PROBES_MAX && isProbable(round)) dueMs = round.probeDueMs;
    if (this.#reads < READS_MAX && isReadable(round)) dueMs = Math.min(dueMs, round.readDueMs);
    return dueMs;
  }

  /** Asks whoever is due, longest due first. Returns when the next one is; Infinity for never. */
  run(nowMs: number): number {
    const rounds = [...this.#rounds.values()];
    for (const round of rounds.toSorted((a, b) => a.probeDueMs - b.probeDueMs)) {
      if (round.probeDueMs > nowMs || this.#probes >= PROBES_MAX) break;
      if (isProbable(round)) this.#probe(round, nowMs);
    }
    for (const round of rounds.toSorted((a, b) => a.readDueMs - b.readDueMs)) {
      if (round.readDueMs > nowMs || this.#reads >= READS_MAX) break;
      if (isReadable(round)) void this.#read(round, nowMs);
    }
    // What has no room now is begun when something else ends.
    let nextMs = Number.POSITIVE_INFINITY;
    for (const round of rounds) {
      if (isProbable(round) && round.probeDueMs > nowMs)
        nextMs = Math.min(nextMs, round.probeDueMs);
      if (isReadable(round) && round.readDueMs > nowMs) nextMs = Math.min(nextMs, round.readDueMs);
    }
    return nextMs;
  }

  close(): void {
    for (const health of [...this.#rounds.keys()]) this.remove(health);
  }

  #probe(round: Round, nowMs: number): void {
    const { health } = round;
    const { healthPath } = health.spec;
    if (healthPath === null) return;
    this.#probes++;
    round.probedMs = nowMs;
    round.probe = startProbe(this.#options.client, this.#address(health, healthPath, nowMs), {
      onResult: (result) => {
        const endMs = this.#options.clock.monotonicMs();
        health.probed(result, nowMs, endMs);
        const { intervalMs } = this.#options.settings();
        const waitMs = health.isUnsettled ? Math.min(intervalMs, UNSETTLED_MS) : intervalMs;
        round.probeDueMs = endMs + this.#jitter(waitMs);
        this.#options.onNews(health, false);
      },
      onDone: () => {
        round.probe = null;
        this.#probes--;
        this.#options.onRoom();
      },
    });
  }

  async #read(round: Round, nowMs: number): Promise<void> {
    const { health } = round;
    const { metricsPath } = health.spec;
    if (metricsPath === null) return;
    this.#reads++;
    round.isReading = true;
    const request = this.#address(health, metricsPath, nowMs);
    const result = await readLoad(this.#options.client, request);
    this.#reads--;
    round.isReading = false;
    if (this.#rounds.get(health) !== round) return;
    const endMs = this.#options.clock.monotonicMs();
    const { loadIntervalMs } = this.#options.settings();
    const waitMs = result.kind === 'absent' ? Math.max(loadIntervalMs, ABSENT_MS) : loadIntervalMs;
    round.readDueMs = endMs + this.#jitter(waitMs);
    const isNew = result.kind === 'load' && health.loaded(result.load, endMs);
    if (isNew) this.#options.onNews(health, true);
    this.#options.onRoom();
  }

  #address({ spec }: BackendHealth, path: string, nowMs: number): OutgoingRequest {
    const { backend } = spec;
    const { timeoutMs } = this.#options.settings();
    return {
      origin: backend.origin,
      method: 'GET',
      path: `${backend.origin.basePath}${path}`,
      headers: [['accept', '*/*'], ...currentHeaders(backend, nowMs)],
      body: null,
      deadlines: {
        connectMs: timeoutMs,
        firstByteMs: timeoutMs,
        idleMs: timeoutMs,
        totalMs: timeoutMs,
      },
    };
  }

  /** Up to a fifth less or more, so that what began together does not stay together. */
  #jitter(durationMs: number): number {
    return durationMs * (0.8 + 0.4 * this.#options.random());
  }
}

function isProbable({ health, probe }: Round): boolean {
  return probe === null && health.spec.healthPath !== null && health.isAskable;
}

function isReadable({ health, isReading }: Round): boolean {
  return !isReading && health.spec.metricsPath !== null && health.isAskable;
}
