import type { AuditAction } from '../audit/actions.ts';
import { FIRST_PREVIOUS_HASH } from '../audit/chain.ts';
import { hashPurgedRanges, type PurgedRange } from '../audit/purged-range.ts';
import { openAuditTrail, readPurgedRanges } from './audit-events.ts';
import type { ChainName } from './audit-trail.ts';
import type { PurgedSums } from './retention-sums.ts';
import type { Database, SqlValue } from './sqlite.ts';

/** Ranges side by side become one as long as their sums fit in so much. */
const MERGED_CHARS_MAX = 256 * 1024;

/** What a receipt says besides the hash of all ranges. */
export interface ReceiptFacts {
  readonly action: Extract<AuditAction, 'purge.start' | 'purge.done'>;
  readonly target: string;
  readonly atMs: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface PurgedRanges {
  /** Of all chains. */
  read(): PurgedRange[];
  /** A range of rows that are there, with what they add up to. */
  describe(chain: ChainName, fromSeq: number, toSeq: number, sums: string): PurgedRange;
  /**
   * Adds ranges and the receipt of them in one transaction, unless `isStill` says there that things
   * have changed: then nothing is written and false returned.
   */
  declare(added: readonly PurgedRange[], receipt: ReceiptFacts, isStill: () => boolean): boolean;
  /** Joins ranges of a chain that lie side by side, and writes the receipt of what is then there. */
  conclude(chain: ChainName, sums: PurgedSums, receipt: ReceiptFacts): void;
  /** A receipt of what leaves no range. */
  record(receipt: ReceiptFacts): void;
}

export function openPurgedRanges(db: Database): PurgedRanges {
  const audit = openAuditTrail(db);
  const insert = db.prepare<SqlValue[]>(
    'INSERT INTO purged_ranges VALUES (?, ?, ?, unhex(?), unhex(?), ?, ?)',
  );
  const remove = db.prepare<[string, number]>(
    'DELETE FROM purged_ranges WHERE chain = ? AND from_seq = ?',
  );
  const selectHash = {
    requests: db.prepare<[number, number], string>(hashSql('requests')).pluck(),
    admin_events: db.prepare<[number, number], string>(hashSql('admin_events')).pluck(),
  };
  const hashOf = (chain: ChainName, seq: number): string =>
    // A row that is missing has no hash to link to; verification names it.
    (seq === 0 ? undefined : selectHash[chain].get(seq, seq)) ?? FIRST_PREVIOUS_HASH;

  const write = (
    change: { readonly removed: readonly PurgedRange[]; readonly added: readonly PurgedRange[] },
    { action, target, atMs, facts }: ReceiptFacts,
    after: readonly PurgedRange[],
  ) => {
    // Taken before the lock: only the thread that is here changes ranges.
    const receipt = { ...facts, ranges: after.length, ranges_sha256: hashPurgedRanges(after) };
    return (isStill: () => boolean): boolean => {
      if (!isStill()) return false;
      for (const { chain, fromSeq } of change.removed) remove.run(chain, fromSeq);
      for (const { chain, fromSeq, toSeq, beforeHash, lastHash, rows, sums } of change.added) {
        insert.run(chain, fromSeq, toSeq, beforeHash, lastHash, rows, sums);
      }
      const who = { actor: 'gateway', origin: 'retention' };
      audit.record({ ...who, atMs, action, target, before: null, after: receipt });
      return true;
    };
  };

  return {
    read: () => readPurgedRanges(db),
    describe: (chain, fromSeq, toSeq, sums) => ({
      ...{ chain, fromSeq, toSeq, sums },
      beforeHash: hashOf(chain, fromSeq - 1),
      lastHash: hashOf(chain, toSeq),
      rows: toSeq - fromSeq + 1,
    }),
    declare(added, receipt, isStill) {
      const after = [...readPurgedRanges(db), ...added];
      return db.transaction(write({ removed: [], added }, receipt, after)).immediate(isStill);
    },
    conclude(chain, sums, receipt) {
      const before = readPurgedRanges(db);
      const after = joinNeighbours(before, chain, sums);
      const removed = before.filter((range) => !after.includes(range));
      const added = after.filter((range) => !before.includes(range));
      db.transaction(write({ removed, added }, receipt, after)).immediate(() => true);
    },
    record(receipt) {
      const none = { removed: [], added: [] };
      db.transaction(write(none, receipt, readPurgedRanges(db))).immediate(() => true);
    },
  };
}

function hashSql(chain: ChainName): string {
  return `SELECT lower(hex(hash)) FROM ${chain} WHERE seq = ?
    UNION ALL
    SELECT lower(hex(last_hash)) FROM purged_ranges WHERE chain = '${chain}' AND to_seq = ? LIMIT 1`;
}

function joinNeighbours(
  ranges: readonly PurgedRange[],
  chain: ChainName,
  sums: PurgedSums,
): PurgedRange[] {
  const joined: PurgedRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    const isNext =
      last?.chain === chain && range.chain === chain && last.toSeq + 1 === range.fromSeq;
    if (isNext && last.sums.length + range.sums.length <= MERGED_CHARS_MAX) {
      joined[joined.length - 1] = join(last, range, sums);
    } else joined.push(range);
  }
  return joined;
}

function join(first: PurgedRange, second: PurgedRange, sums: PurgedSums): PurgedRange {
  sums.clear();
  sums.addRange(first.sums);
  sums.addRange(second.sums);
  const { toSeq, lastHash } = second;
  return { ...first, toSeq, lastHash, rows: first.rows + second.rows, sums: sums.render() };
}
