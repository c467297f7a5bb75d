import type { Clock } from '../core/clock.ts';
import type { BehaviourInput } from './behaviour.ts';

export interface MockOptions {
  readonly hostname?: string;
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  /** What `/v1/models` lists. Other names are answered with 404 unless `isAnyModel`. */
  readonly models?: readonly string[];
  /** Answer for any model name. The default when `models` is not given. */
  readonly isAnyModel?: boolean;
  /** When given, requests without it get 401. */
  readonly apiKey?: string | null;
  /** Changes the made-up words and the draws of jitter and failures. */
  readonly seed?: number;
  /** Requests answered at a time; the others wait in order. */
  readonly maxConcurrent?: number;
  /** How many may wait; past that 503. */
  readonly maxQueued?: number;
  /** Longest prompt plus answer. null: no limit. */
  readonly contextTokens?: number | null;
  /** Tokens that fill the pretended KV cache. */
  readonly kvCacheTokens?: number;
  readonly logRequests?: number;
  readonly maxBodyBytes?: number;
  readonly behaviour?: BehaviourInput;
  readonly clock?: Clock;
}

export const DEFAULT_MODEL = 'mock-model';
