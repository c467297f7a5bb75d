import type { AuditFault } from '../audit/audit-fault.ts';
import type { ChainEnd } from '../audit/checkpoint-text.ts';
import type { ChainHeads, ChainName } from './audit-trail.ts';

/** What a verification asks of its threads. Every ask gets one answer with its number. */
export type VerifyAsk =
  | { readonly id: number; readonly op: 'open'; readonly databasePath: string }
  | ({ readonly id: number; readonly op: 'survey' } & SurveyOrder)
  | ({ readonly id: number; readonly op: 'walk' } & WalkOrder);

export type VerifyAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: string };

export interface SurveyOrder {
  /** Whole notes, as they were exported. */
  readonly notes: readonly string[];
  /** Texts of public keys, of several with blanks between; null where there is none. */
  readonly pinnedKey: string | null;
  readonly ownKey: string | null;
}

/** Everything but the walk along the rows. */
export interface Survey {
  readonly heads: ChainHeads;
  readonly faults: readonly AuditFault[];
  readonly storedCheckpoints: number;
  readonly givenCheckpoints: number;
  /** Checkpoints whose row has been purged. */
  readonly uncheckable: number;
  /** Where the newest checkpoint that agrees with a chain saw its end; null without one. */
  readonly agreed: Readonly<Record<ChainName, ChainEnd | null>>;
}

/** Rows after `afterSeq` up to `toSeq`. */
export interface WalkOrder {
  readonly chain: ChainName;
  readonly afterSeq: number;
  readonly toSeq: number;
}

export interface Walk {
  readonly fault: AuditFault | null;
  readonly rows: number;
  readonly contentRows: number;
}
