import type { SharingPool } from './sharing-pool.ts';

/** Tokens of an answer as long as nothing is known of the model's. */
const GUESSED_OUTPUT = 256;
/** Part of the mean that each answer makes. */
const ANSWER_PART = 0.05;

/** What the scheduler knows of a model. */
export class ModelState {
  readonly name: string;
  pool: SharingPool;
  inFlight = 0;
  waiting = 0;
  /** Places it may have taken; infinite without a limit. */
  limit: number;
  /** Tokens of its usual answer. */
  outputTokens = GUESSED_OUTPUT;

  constructor(name: string, pool: SharingPool, limit: number) {
    this.name = name;
    this.pool = pool;
    this.limit = limit;
  }

  noteOutput(tokens: number): void {
    this.outputTokens += (tokens - this.outputTokens) * ANSWER_PART;
  }
}
