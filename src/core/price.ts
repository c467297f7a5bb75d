/**
 * What a model costs, in micro-dollars per million tokens: integers, so that $0.0375 per million
 * is exactly 37_500 and no float ever meets money.
 */
export interface Price {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoning: number;
}
