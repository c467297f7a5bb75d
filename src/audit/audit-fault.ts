/** Where a fault was found: in a chain, or in what surrounds them. */
export const FAULT_PLACES = [
  'requests',
  'admin_events',
  'checkpoints',
  'dictionaries',
  'purged_ranges',
] as const;
export type FaultPlace = (typeof FAULT_PLACES)[number];

export const FAULT_KINDS = [
  /** The content of a row is not what its hash was taken of. */
  'changed',
  /** The content is as it was, the hash of it is another. */
  'hash_changed',
  'missing',
  /** A row lies under another number than its own. */
  'reordered',
  /** A row where none can be. */
  'extra',
  /** Purged rows that do not fit between what lies before and after them. */
  'unlinked',
  /** A checkpoint has seen more rows than there are. */
  'cut_off',
  /** The chain is whole in itself, but a checkpoint has seen another one. */
  'rewritten',
  /** A checkpoint whose signature does not fit, or that is of other books. */
  'forged',
  /** Purged rows without a receipt for them. */
  'unreceipted',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One thing that is wrong, as a sentence for people and in parts for programs. */
export interface AuditFault {
  readonly place: FaultPlace;
  readonly kind: FaultKind;
  /** The first row that is affected; null where no row is. */
  readonly seq: number | null;
  /** The last row of a stretch; else null. */
  readonly toSeq: number | null;
  readonly message: string;
}

export function createFault(
  place: FaultPlace,
  kind: FaultKind,
  rows: { readonly seq?: number; readonly toSeq?: number },
  message: string,
): AuditFault {
  return { place, kind, seq: rows.seq ?? null, toSeq: rows.toSeq ?? null, message };
}

/** `row 7`, or `rows 7 to 9`. */
export function nameRows(seq: number, toSeq: number): string {
  return seq === toSeq ? `row ${seq}` : `rows ${seq} to ${toSeq}`;
}
