import type { Key } from '../core/key.ts';
import type { LiveAttempt, LiveRequest } from '../observe/live-document.ts';
import type { DryRunView } from './dry-run-schemas.ts';

/** What only the running gateway can say of single requests. */
export interface LiveExplain {
  /** Requests in flight whose id, without dashes, begins so. */
  inFlight(beginning: string): readonly InFlightTrace[];
  /** How an unusual request went; undefined for usual ones and those that were forgotten. */
  story(id: string): StoryTrace | undefined;
  /**
   * What would become of a request now; nothing is taken or sent. Throws OperationError `invalid` for
   * an endpoint that does not exist.
   */
  dryRun(order: LiveDryRunOrder): Promise<DryRunView>;
}

/** A request in flight. Times are milliseconds after it arrived. */
export interface InFlightTrace {
  readonly request: LiveRequest;
  readonly tenant: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly bodyBytes: number | null;
  readonly heldUsd: string;
  readonly notes: StoryTrace['notes'];
}

export interface StoryTrace {
  readonly queueMs: number;
  readonly heldUsd: string;
  /** Where backends were told to stop; null when they were not told. */
  readonly outputLimit: number | null;
  readonly bodyBytes: number | null;
  readonly notes: readonly { readonly at_ms: number; readonly text: string }[];
  readonly attempts: readonly LiveAttempt[];
}

export interface LiveDryRunOrder {
  readonly key: Key;
  /** Null leaves the one of the body. */
  readonly model: string | null;
  /** The name of an endpoint, or a path. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for the least body there can be. */
  readonly body: Uint8Array | null;
}
