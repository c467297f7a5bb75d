/**
 * What tokens cost, in micro-dollars per million: integers, so that $0.0375 per million is exactly
 * 37_500 and no float ever meets money. One rate for each disjoint part of a `Usage`.
 */
export interface Rates {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly audioInput: number;
  readonly imageInput: number;
  readonly output: number;
  readonly reasoning: number;
  readonly audioOutput: number;
  readonly imageOutput: number;
}

/** Other rates for every token of a request whose input is longer than this. */
export interface PriceTier extends Rates {
  readonly aboveInputTokens: number;
}

export interface Price extends Rates {
  /** Shortest input first; the last one that the input is above counts. */
  readonly tiers: readonly PriceTier[];
  /**
   * Micro-dollars for an hour of all the GPUs behind the model, shared among the requests that run
   * at the same time; 0 when time costs nothing.
   */
  readonly gpuHour: number;
}
