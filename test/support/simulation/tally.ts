import type { SimulationReport } from './simulate.ts';

/** What many seeds brought about. */
export class Tally {
  seeds = 0;
  steps = 0;
  requests = 0;
  crashes = 0;
  shrunk = 0;
  estimated = 0;
  retried = 0;
  copies = 0;
  inLine = 0;
  readonly #outcomes = new Map<string, number>();

  add(report: SimulationReport): void {
    this.seeds += 1;
    this.steps += report.steps;
    this.requests += report.requests;
    this.crashes += report.crashes;
    this.shrunk += report.shrunk;
    this.estimated += report.estimated;
    this.retried += report.retried;
    this.copies += report.copies;
    this.inLine += report.inLine;
    for (const [outcome, count] of Object.entries(report.outcomes)) {
      this.#outcomes.set(outcome, this.of(outcome) + count);
    }
  }

  /** Requests that ended so. */
  of(outcome: string): number {
    return this.#outcomes.get(outcome) ?? 0;
  }

  toString(): string {
    const outcomes = [...this.#outcomes].sort().map(([outcome, count]) => `${count} ${outcome}`);
    return (
      `${this.seeds} seeds, ${this.steps} steps, ${this.crashes} crashes, ` +
      `${this.requests} requests: ${outcomes.join(', ')}; ${this.estimated} estimated, ${this.shrunk} shrunk, ` +
      `${this.retried} retried, ${this.inLine} in line, ${this.copies} copies`
    );
  }
}
