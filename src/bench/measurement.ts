import { FaultCounts } from './fault-counts.ts';
import { meetsObjectives, type Objectives } from './goodput.ts';
import { DurationHistogram } from './histogram.ts';
import { Series } from './series.ts';
import type { AnswerTokens, Shot, ShotEnd } from './shot.ts';

/** What is timed, in the order of reports. docs/bench.md defines each. */
export const METRICS = [
  'ttft',
  'ttst',
  'ttfot',
  'tpot',
  'itl',
  'e2el',
  'client_queue_time',
  'ttft_from_send',
  'e2el_from_send',
] as const;
export type Metric = (typeof METRICS)[number];

/** Why sending ended. */
export type StopReason = 'count' | 'duration' | 'interrupted' | 'over_saturated';

/** Gets the timings of each request that was answered whole, for pairs and detailed records. */
export type OnTimings = (shot: Shot, end: ShotEnd) => void;

/** Everything that one run has measured, in memory that does not grow with it. */
export class Measurement {
  readonly histograms: Readonly<Record<Metric, DurationHistogram>> = createHistograms();
  readonly faults = new FaultCounts();
  readonly series = new Series();
  sent = 0;
  completed = 0;
  cancelled = 0;
  incomplete = 0;
  /** Were due, and never sent because the run was over. */
  unsent = 0;
  good = 0;
  inFlight = 0;
  inFlightMax = 0;
  inputTokens = 0;
  outputTokens = 0;
  piecesTotal = 0;
  answersWithUsage = 0;
  answersWithoutUsage = 0;
  answersWithNonsense = 0;
  /** When the last request ended, from the start. */
  durationMs = 0;
  /** When the last request was sent, from the start. */
  sendingMs = 0;
  stopReason: StopReason = 'count';
  /** Zero of every time in here, on the monotonic clock. */
  startMs = 0;
  readonly #objectives: Objectives;
  readonly #onTimings: OnTimings | null;

  constructor(objectives: Objectives, onTimings: OnTimings | null) {
    this.#objectives = objectives;
    this.#onTimings = onTimings;
  }

  /** Begins, or goes on after a pause that then does not count. */
  resume(nowMs: number): void {
    this.startMs = nowMs - this.durationMs;
  }

  began(shot: Shot): void {
    this.sent += 1;
    this.inFlight += 1;
    if (this.inFlight > this.inFlightMax) this.inFlightMax = this.inFlight;
    const point = this.series.at(shot.sentMs - this.startMs);
    point.sent += 1;
    if (this.inFlight > point.inFlightMax) point.inFlightMax = this.inFlight;
    this.histograms.client_queue_time.record(shot.sentMs - shot.plan.intendedMs);
  }

  piece(shot: Shot, gapMs: number | null, nowMs: number): void {
    const point = this.series.at(nowMs - this.startMs);
    point.pieces += 1;
    this.piecesTotal += 1;
    if (gapMs !== null) {
      this.histograms.itl.record(gapMs);
      return;
    }
    point.ttftSumMs += nowMs - shot.plan.intendedMs;
    point.ttftCount += 1;
  }

  ended(shot: Shot, end: ShotEnd): void {
    this.inFlight -= 1;
    this.durationMs = Math.max(this.durationMs, shot.endMs - this.startMs);
    const point = this.series.at(shot.endMs - this.startMs);
    point.inFlightMax = Math.max(point.inFlightMax, this.inFlight);
    this.#onTimings?.(shot, end);
    switch (end.kind) {
      case 'completed':
        point.completed += 1;
        point.e2elSumMs += shot.endMs - shot.plan.intendedMs;
        point.e2elCount += 1;
        if (!shot.plan.stream) point.pieces += end.tokens.output;
        return this.#addCompleted(shot, end.tokens);
      case 'failed':
        point.failed += 1;
        return this.faults.add(end.fault);
      case 'cancelled':
        this.cancelled += 1;
        return;
      case 'incomplete':
        this.incomplete += 1;
    }
  }

  #addCompleted(shot: Shot, tokens: AnswerTokens): void {
    this.completed += 1;
    this.inputTokens += tokens.input ?? 0;
    this.outputTokens += tokens.output;
    if (tokens.source === 'usage') this.answersWithUsage += 1;
    else this.answersWithoutUsage += 1;
    if (tokens.statedNonsense) this.answersWithNonsense += 1;
    const { intendedMs } = shot.plan;
    const { histograms } = this;
    const e2elMs = shot.endMs - intendedMs;
    histograms.e2el.record(e2elMs);
    histograms.e2el_from_send.record(shot.endMs - shot.sentMs);
    if (shot.secondMs !== null) histograms.ttst.record(shot.secondMs - intendedMs);
    if (shot.firstOutputMs !== null) histograms.ttfot.record(shot.firstOutputMs - intendedMs);
    const ttftMs = shot.firstMs === null ? null : shot.firstMs - intendedMs;
    const tpotMs = findTpot(shot, tokens.output);
    if (shot.firstMs !== null) {
      histograms.ttft.record(shot.firstMs - intendedMs);
      histograms.ttft_from_send.record(shot.firstMs - shot.sentMs);
    }
    if (tpotMs !== null) histograms.tpot.record(tpotMs);
    if (meetsObjectives({ ttftMs, tpotMs, e2elMs }, this.#objectives)) this.good += 1;
  }
}

/** vLLM's: (E2EL - TTFT) / (tokens - 1). One token has none. */
export function findTpot(shot: Pick<Shot, 'firstMs' | 'endMs'>, tokens: number): number | null {
  if (shot.firstMs === null || tokens <= 1) return null;
  return (shot.endMs - shot.firstMs) / (tokens - 1);
}

function createHistograms(): Record<Metric, DurationHistogram> {
  const entries = METRICS.map((metric) => [metric, new DurationHistogram()] as const);
  return Object.fromEntries(entries) as Record<Metric, DurationHistogram>; // One for each metric.
}
