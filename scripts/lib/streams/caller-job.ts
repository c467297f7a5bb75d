/** What the process of callers is told to do, and what it answers; one job at a time. */
export type CallerJob =
  | {
      readonly kind: 'open';
      readonly port: number;
      readonly key: string;
      readonly count: number;
      /** Opened a second. */
      readonly perSecond: number;
      readonly maxTokens: number;
      /** The behaviour of the mock. */
      readonly mock: Readonly<Record<string, unknown>>;
      /** Stops reading with the first content. */
      readonly stalls: boolean;
    }
  /** Waits for the end of all streams. */
  | { readonly kind: 'await_end' }
  /** The first `count` read again, to their end; the others hang up. */
  | { readonly kind: 'resume'; readonly count: number };

export interface CallerReport {
  /** Streams with a status of 200 and content. */
  readonly begun: number;
  /** Streams that had their terminal and the end of the HTTP framing. */
  readonly complete: number;
  /** Streams that are neither open nor complete. */
  readonly broken: number;
  readonly receivedBytes: number;
  /** The beginning of the first answer that was none. */
  readonly example: string;
}
