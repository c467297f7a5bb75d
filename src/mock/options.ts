import type { Clock } from '../core/clock.ts';
import type { BehaviourInput } from './behaviour.ts';

export interface MockOptions {
  readonly hostname?: string | undefined;
  /** 0, the default, lets the system choose. */
  readonly port?: number | undefined;
  /** What `/v1/models` lists. Other names are answered with 404 unless `isAnyModel`. */
  readonly models?: readonly string[] | undefined;
  /** Answer for any model name. The default when `models` is not given. */
  readonly isAnyModel?: boolean | undefined;
  /** When given, requests without it get 401. */
  readonly apiKey?: string | null | undefined;
  /** Changes the made-up words and the draws of jitter and failures. */
  readonly seed?: number | undefined;
  /** Requests answered at a time; the others wait in order. */
  readonly maxConcurrent?: number | undefined;
  /** How many may wait; past that 503. */
  readonly maxQueued?: number | undefined;
  /** Longest prompt plus answer. null: no limit. */
  readonly contextTokens?: number | null | undefined;
  /** Tokens that fill the pretended KV cache. */
  readonly kvCacheTokens?: number | undefined;
  readonly logRequests?: number | undefined;
  /** Requests of which the invoice has a line; the later ones are only counted as dropped. */
  readonly invoiceLines?: number | undefined;
  readonly maxBodyBytes?: number | undefined;
  readonly behaviour?: BehaviourInput | undefined;
  readonly clock?: Clock | undefined;
}

export const DEFAULT_MODEL = 'mock-model';
