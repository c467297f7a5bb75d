import type { Key } from '../core/key.ts';
import type { Usage } from '../core/usage.ts';
import type { AuditEntry, AuditPage, AuditQuery, AuditRef } from './audit-query.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { BackupMade, BackupOrder } from './backup.ts';
import type { BudgetStore } from './budget-store.ts';
import type { ChainReader } from './chain-rows.ts';
import type { ExportCursors } from './export-cursors.ts';
import type { RequestSearch } from './find-request.ts';
import type { LegalHolds } from './legal-holds.ts';
import type { PurgeOrder, PurgeResult } from './retention.ts';
import type { AttemptRow, FinishedRow, OpenRow } from './rows.ts';
import type { UsageQuery, UsageReport } from './usage-report.ts';
import type { AuditVerification, VerifyOrder } from './verify-audit.ts';

/** Everything the data directory holds, behind names. Callers see rows and outcomes, never SQL. */
export interface Store {
  readonly keys: KeyStore;
  readonly ledger: Ledger;
  readonly books: Books;
  readonly audit: AuditTrail;
  readonly budgets: BudgetStore;
  readonly legalHolds: LegalHolds;
  /** The chains as they are exported, read on the thread of the books. */
  readonly chainRows: ChainReader;
  /** How far each copy of them has got. */
  readonly exportCursors: ExportCursors;
  /**
   * Runs an administrative change and the event that tells of it as one durable transaction: both
   * are written or neither. Throws `store_unavailable` when the store cannot be written.
   */
  transact<T>(work: () => T): T;
  /**
   * Writes a copy of everything, on a thread of its own: nobody waits for it. Rejects with a
   * StoreError, and then there is no copy.
   */
  backup(order: Omit<BackupOrder, 'dataDir'>): Promise<BackupMade>;
  /** Requests that the last process left open and this start settled as `expired`. */
  readonly recovered: number;
  /** Flushes what is queued, stops the worker, releases the lock. Safe to call twice. */
  close(): Promise<void>;
}

export interface KeyStore {
  /** By id, else by name: a key whose id it is wins. */
  find(idOrName: string): Key | undefined;
  /** At most `limit` keys with an id after `afterId`, in id order: a walk that never reads all. */
  page(afterId: string | null, limit: number): Key[];
  insert(key: Key): 'created' | 'name_taken';
  /** Replaces every mutable field and the secrets. */
  update(key: Key): 'updated' | 'name_taken' | 'not_found';
}

/** The request journal. Writes of one event-loop turn share one commit. */
export interface Ledger {
  /** Resolves when durable. Rejects with `store_unavailable` and leaves nothing behind. */
  open(row: OpenRow): Promise<void>;
  /** Last known usage of a request still running, for the settlement after a crash. Best effort. */
  progress(id: string, usage: Usage): void;
  /**
   * Appends the finished row, its attempts, and removes the open row, in one commit.
   * Resolves when durable. When the store cannot be written the row is kept and tried again
   * (bounded and counted); the promise then rejects with `store_unavailable`.
   */
  settle(row: FinishedRow, attempts: readonly AttemptRow[]): Promise<void>;
  /**
   * Writes what is queued and then nothing until the function returned is called: meanwhile the
   * books hold everything that was settled before. Rejects with `store_unavailable` when they
   * cannot be written.
   */
  pause(): Promise<() => void>;
  stats(): LedgerStats;
}

export interface LedgerStats {
  readonly commits: number;
  readonly rowsOpened: number;
  readonly rowsSettled: number;
  readonly queued: number;
  /** Settled rows waiting because the store refused them. */
  readonly unwritten: number;
  /** Settled rows given up because that queue was full. Not zero means the books are short. */
  readonly dropped: number;
}

/** Money and tokens spent by one combination of payers in a stretch of time. */
export interface Spend {
  readonly keyId: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly model: string;
  readonly costNanoUsd: bigint;
  /** Input and output together. */
  readonly tokens: bigint;
}

/** Reports and proofs: computed beside the request path, from rollups. */
export interface Books {
  usage(query: UsageQuery): Promise<UsageReport>;
  /**
   * What every payer spent since a time, which must be a whole quarter of an hour (0 is ever): what
   * budget counters are derived from at boot. From sums of quarters, days and months, never rows.
   */
  spend(sinceMs: number): Promise<Spend[]>;
  check(): Promise<LedgerCheck>;
  /**
   * Puts right every sum that is not what its requests make. Budget counters that were derived from
   * sums are to be derived again after it.
   */
  rebuild(): Promise<LedgerRebuild>;
  /** Removes one portion of what is past its time. Rejects when the books are not as they were left. */
  purge(order: PurgeOrder): Promise<PurgeResult>;
  /** The finished request whose id begins so: hexadecimal without dashes. */
  findRequest(beginning: string): Promise<RequestSearch>;
  readonly audit: AuditBooks;
}

/** Both hash chains, read and proved. */
export interface AuditBooks {
  /** A bounded stretch of rows that fit, newest or oldest first. */
  page(query: AuditQuery): Promise<AuditPage>;
  entry(ref: AuditRef): Promise<AuditEntry | null>;
  /** On threads of its own, as long as it takes. Rejects when the rows cannot be read. */
  verify(order: Omit<VerifyOrder, 'databasePath'>): Promise<AuditVerification>;
}

export interface LedgerRebuild {
  /** Those that were summed, removed ones included. */
  readonly requests: number;
  /** The number of the last one. */
  readonly lastSeq: number;
  /** Sums that were wrong. */
  readonly corrected: number;
}

/** What `ledger check` found. `problems` empty means that rows, rollups and open rows agree. */
export interface LedgerCheck {
  readonly requests: number;
  readonly open: number;
  readonly estimated: number;
  readonly costNanoUsd: bigint;
  readonly problems: readonly string[];
  /** Of `costNanoUsd`, what rests on an estimate of llmgate's own. */
  readonly estimatedNanoUsd: bigint;
  /** What every payer spent in all, recomputed from the rows and what was purged before them. */
  readonly spend: readonly Spend[];
}
