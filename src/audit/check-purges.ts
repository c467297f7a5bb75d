import { type AuditFault, createFault } from './audit-fault.ts';
import { hashPurgedRanges, type PurgedRange } from './purged-range.ts';

/** The last event that tells of a purge, as far as the ranges are concerned. */
export interface PurgeReceipt {
  readonly seq: number;
  /** `start` is written with the ranges, before the first row goes; `done` after the last. */
  readonly stage: 'start' | 'done';
  readonly chain: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  /** `hashPurgedRanges` of all ranges as this event left them. */
  readonly rangesHash: string;
}

/**
 * Holds the purged ranges against the last receipt in the chain of events. A purge declares its
 * ranges and writes its receipt in one transaction and removes rows only after that, from the end
 * of a range to its start: so the receipt fits at every moment, also after a crash.
 */
export function checkPurges(
  ranges: readonly PurgedRange[],
  receipt: PurgeReceipt | null,
): AuditFault | null {
  const place = 'purged_ranges';
  if (receipt === null) {
    const first = ranges[0];
    if (first === undefined) return null;
    const rows = { seq: first.fromSeq, toSeq: first.toSeq };
    return createFault(place, 'unreceipted', rows, 'rows were purged and no event tells of it');
  }
  if (hashPurgedRanges(ranges) === receipt.rangesHash) return null;
  const message = `what is said to be purged is not what the receipt in event ${receipt.seq} covers`;
  return createFault(place, 'unreceipted', {}, message);
}

/** The receipt in the `after` of a `purge.start` or `purge.done` event; undefined when it is none. */
export function parsePurgeReceipt(
  seq: number,
  action: string,
  after: string,
): PurgeReceipt | undefined {
  const value: unknown = JSON.parse(after);
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const [chain, hash] = [fields.get('chain'), fields.get('ranges_sha256')];
  const [fromSeq, toSeq] = [Number(fields.get('from_seq')), Number(fields.get('to_seq'))];
  if (typeof chain !== 'string' || typeof hash !== 'string') return undefined;
  if (!Number.isSafeInteger(fromSeq) || !Number.isSafeInteger(toSeq)) return undefined;
  const stage = action === 'purge.start' ? 'start' : 'done';
  return { seq, stage, chain, fromSeq, toSeq, rangesHash: hash };
}
