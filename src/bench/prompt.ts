/** What one request asks. */
export interface Prompt {
  readonly input:
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'messages'; readonly messages: readonly unknown[] };
  /** Tokens that the prompt is meant to have; null when only the server knows. */
  readonly inputTokens: number | null;
  /** The longest answer that is asked for; null leaves it to the server. */
  readonly maxTokens: number | null;
}

/** Prompts by their number from 0. Equal numbers give equal prompts. */
export interface PromptSource {
  at(index: number): Prompt;
  /** How many different ones there are; null when there is no end. */
  readonly size: number | null;
  /** When each is due, milliseconds from the first, when the source says so. */
  readonly timesMs: readonly number[] | null;
}

/** A data set that cannot be used. The message has a line for each fault, file and line first. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
}
