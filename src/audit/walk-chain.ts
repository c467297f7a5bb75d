import { type AuditFault, createFault, nameRows } from './audit-fault.ts';
import { nextHash } from './chain.ts';
import type { PurgedRange } from './purged-range.ts';

/** A row as the verifier reads it. An array, because half a million pass by each second. */
export type ChainRow = readonly [seq: number, text: string, hash: string];

export interface ChainStretch {
  readonly chain: 'requests' | 'admin_events';
  /** The row before the stretch; a hash of null is not known and its link is not looked at. */
  readonly after: { readonly seq: number; readonly hash: string | null };
  readonly toSeq: number;
  /** All rows after that one up to `toSeq`, in order. */
  readonly rows: readonly ChainRow[];
  /** Purged ranges that overlap the stretch, in order. */
  readonly ranges: readonly PurgedRange[];
}

export interface WalkedStretch {
  /** The first thing that is wrong; null when every row is there and as it was written. */
  readonly fault: AuditFault | null;
  /** Where the next stretch goes on. */
  readonly end: { readonly seq: number; readonly hash: string | null };
}

/**
 * Walks a stretch of a chain from row to row. Every hash is taken anew, every number must follow
 * the one before, and rows that were purged are stepped over where their range says so.
 */
export function walkChain(stretch: ChainStretch): WalkedStretch {
  const { chain, toSeq, rows, ranges } = stretch;
  let { seq, hash } = stretch.after;
  let nextRange = 0;
  const stepOver = (untilSeq: number): AuditFault | null => {
    for (; nextRange < ranges.length; nextRange += 1) {
      const range = ranges[nextRange];
      if (range === undefined || range.fromSeq > untilSeq) break;
      const fault = checkRange(chain, range, { seq, hash });
      if (fault !== null) return fault;
      if (range.toSeq > seq) ({ toSeq: seq, lastHash: hash } = range);
    }
    return null;
  };
  const ended = (fault: AuditFault | null): WalkedStretch => ({ fault, end: { seq, hash } });

  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at];
    if (row === undefined) break;
    if (row[0] !== seq + 1) {
      // A range that begins with this row is declared, and this row not removed yet.
      const fault = stepOver(row[0] - 1) ?? checkPlace(chain, row[0], seq);
      if (fault !== null) return ended(fault);
    }
    if (hash !== null && nextHash(hash, row[1]) !== row[2]) {
      return ended(explainRow(stretch, at, hash));
    }
    [seq, , hash] = row;
  }
  const fault = stepOver(toSeq);
  if (fault !== null || seq >= toSeq) return ended(fault);
  return ended(missing(chain, seq + 1, toSeq));
}

type Chain = ChainStretch['chain'];

function checkPlace(chain: Chain, rowSeq: number, seq: number): AuditFault | null {
  if (rowSeq > seq + 1) return missing(chain, seq + 1, rowSeq - 1);
  if (rowSeq === seq + 1) return null;
  const message = `row ${rowSeq} is there, but it is among the rows that were purged`;
  return createFault(chain, 'extra', { seq: rowSeq }, message);
}

function missing(chain: Chain, seq: number, toSeq: number): AuditFault {
  const verb = seq === toSeq ? 'is' : 'are';
  return createFault(chain, 'missing', { seq, toSeq }, `${nameRows(seq, toSeq)} ${verb} missing`);
}

function checkRange(
  chain: Chain,
  range: PurgedRange,
  before: { readonly seq: number; readonly hash: string | null },
): AuditFault | null {
  const { fromSeq, toSeq, beforeHash } = range;
  if (fromSeq > before.seq + 1) return missing(chain, before.seq + 1, fromSeq - 1);
  if (fromSeq <= before.seq || before.hash === null || beforeHash === before.hash) return null;
  const message = `the purged ${nameRows(fromSeq, toSeq)} were not purged after what row ${before.seq} says now`;
  return createFault(chain, 'unlinked', { seq: fromSeq, toSeq }, message);
}

/** What happened to a row whose hash is not that of its content. */
function explainRow({ chain, rows }: ChainStretch, at: number, previous: string): AuditFault {
  const [seq, text] = rows[at] ?? [0, ''];
  const id = chain === 'requests' ? ` (request ${toUuid(text.split('\n', 2)[1] ?? '')})` : '';
  const own = findOwnNumber(rows, at, previous);
  if (own !== undefined) {
    const message = `row ${seq}${id} is not the row that was written there: that one now has number ${own}`;
    return createFault(chain, 'reordered', { seq }, message);
  }
  const next = rows[at + 1];
  if (next?.[0] === seq + 1 && nextHash(nextHash(previous, text), next[1]) === next[2]) {
    const message = `the hash of row ${seq}${id} was changed; its content is as it was written`;
    return createFault(chain, 'hash_changed', { seq }, message);
  }
  const message = `row ${seq}${id} was changed: its hash is not that of its content`;
  return createFault(chain, 'changed', { seq }, message);
}

/** The number under which a row now lies that fits here, if one of those read with it does. */
function findOwnNumber(
  rows: readonly ChainRow[],
  at: number,
  previous: string,
): number | undefined {
  const [seq] = rows[at] ?? [0];
  const own = rows
    .slice(at + 1)
    .find(
      ([, text, hash]) => nextHash(previous, `${seq}${text.slice(text.indexOf('\n'))}`) === hash,
    );
  return own?.[0];
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
