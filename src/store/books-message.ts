import type { AuditQuery, AuditRef } from './audit-query.ts';
import type { ExportedChain } from './chain-rows.ts';
import type { PurgeOrder } from './retention.ts';
import type { StoreEvent } from './store-event.ts';
import type { UsageQuery } from './usage-report.ts';

/** What the main thread asks of the books worker. Every ask gets one answer with its number. */
export type BooksAsk =
  | { readonly id: number; readonly op: 'start'; readonly databasePath: string }
  | { readonly id: number; readonly op: 'usage'; readonly query: UsageQuery }
  | { readonly id: number; readonly op: 'spend'; readonly sinceMs: number }
  | { readonly id: number; readonly op: 'check' }
  /** Answered by a thread that does nothing else. */
  | { readonly id: number; readonly op: 'pages'; readonly databasePath: string }
  | { readonly id: number; readonly op: 'rebuild' }
  | { readonly id: number; readonly op: 'purge'; readonly order: PurgeOrder }
  | { readonly id: number; readonly op: 'audit_page'; readonly query: AuditQuery }
  | { readonly id: number; readonly op: 'audit_entry'; readonly ref: AuditRef }
  | { readonly id: number; readonly op: 'request'; readonly beginning: string }
  | { readonly id: number; readonly op: 'chain_heads' }
  | {
      readonly id: number;
      readonly op: 'chain_rows';
      readonly chain: ExportedChain;
      readonly afterSeq: number;
      readonly limit: number;
    }
  /** The ledger writes nothing until it is told to go on. */
  | { readonly id: number; readonly op: 'held' }
  /** Empty the log and close the connection. */
  | { readonly id: number; readonly op: 'close' };

export type BooksAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: BooksFailure }
  | { readonly event: StoreEvent }
  /** Asks the ledger to hold its commits back; the worker then waits for `held`. */
  | { readonly wants: 'hold' };

/** An error as it crosses the thread. */
export interface BooksFailure {
  /** A code of GateError, or undefined for a fault of the books themselves. */
  readonly code: string | undefined;
  readonly message: string;
}
