import type { Price } from '../../../src/core/price.ts';
import type { Usage } from '../../../src/core/usage.ts';
import type { AttemptRow, FinishedRow, OpenRow } from '../../../src/store/rows.ts';
import type { VendorRequest } from './fake-vendor.ts';
import type { NaiveEntry } from './naive-budgets.ts';

/** What the simulation knows of one request, whatever the books say. */
export interface Known {
  readonly id: string;
  open: OpenRow | null;
  entry: NaiveEntry | null;
  /** Of the targets that it may be sent to, for each way in which its plan may have been cut. */
  plans: readonly (readonly (Price | null)[])[];
  /** What it would have held if it had not been shrunk. */
  wantedTokens: number;
  /** `open` was refused by a failing store. */
  isUnrecorded: boolean;
  /** `settle` was told that the row is kept and tried again. */
  isDelayed: boolean;
  isCaptured: boolean;
  readonly asked: VendorRequest[];
  /** The note of its usage that was durable when the process died. */
  note: Usage | null;
  /** Settled in this life of the process. */
  settled: { readonly row: FinishedRow; readonly attempts: readonly AttemptRow[] } | null;
  /** Process in which it began. */
  readonly epoch: number;
}

export const NO_HOLD = { entry: null, plans: [], wantedTokens: 0 } as const;
