/**
 * Rows of a chain that were removed when their time was over: what the chain is linked over with,
 * and what they added up to.
 */
export interface PurgedRange {
  readonly chain: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Of the row before the first one removed, and of the last one removed; hexadecimal. */
  readonly beforeHash: string;
  readonly lastHash: string;
  readonly rows: number;
  /** JSON text. */
  readonly sums: string;
}

/**
 * What a purge receipt and a checkpoint hold of the ranges: SHA-256 of one line for each, in the
 * order of chain and first row, every value between spaces and `sums` last.
 */
export function hashPurgedRanges(ranges: readonly PurgedRange[]): string {
  const lines = ranges
    .toSorted((a, b) => (a.chain === b.chain ? a.fromSeq - b.fromSeq : a.chain < b.chain ? -1 : 1))
    .map(
      ({ chain, fromSeq, toSeq, beforeHash, lastHash, rows, sums }) =>
        `${chain} ${fromSeq} ${toSeq} ${beforeHash} ${lastHash} ${rows} ${JSON.stringify(sums)}\n`,
    );
  return Bun.SHA256.hash(lines.join(''), 'hex');
}
