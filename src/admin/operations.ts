import type { AuditRef } from '../store/audit-query.ts';
import type { ChainName } from '../store/audit-trail.ts';
import type {
  AuditEntryView,
  AuditPageView,
  AuditVerificationView,
  CheckpointView,
  VerifyAuditInput,
} from './audit-schemas.ts';
import type { BackupOperations } from './backup-operations.ts';
import type { BooksOperations } from './books-operations.ts';
import type { BudgetOperations } from './budget-operations.ts';
import type { ContentOperations } from './content-operations.ts';
import type { ExplainOperations } from './explain-operations.ts';
import type { BackendView, GatewayStatus, ModelView, ReloadResult } from './gateway-schemas.ts';
import type { HoldOperations } from './hold-operations.ts';
import type { IssuedKey, KeyChanges, KeyPage, KeyView, NewKey, Rotation } from './key-schemas.ts';
import type { LiveOperations } from './live-operations.ts';
import type { LogOperations } from './log-operations.ts';

/**
 * Everything an operator can do. There are two ways to it (in this process on an opened store, and
 * over the admin socket) and both give the same documents and throw the same `OperationError`s.
 */
export interface Operations extends BooksOperations, LiveOperations {
  readonly keys: KeyOperations;
  readonly audit: AuditOperations;
  readonly content: ContentOperations;
  readonly holds: HoldOperations;
  readonly budgets: BudgetOperations;
  readonly backups: BackupOperations;
  readonly explain: ExplainOperations;
  readonly log: LogOperations;
  status(): Promise<GatewayStatus>;
  models(): Promise<ModelView[]>;
  backends(): Promise<BackendView[]>;
  reload(): Promise<ReloadResult>;
}

/** `ref` is the id of a key or its name. */
export interface KeyOperations {
  /** Throws `name_taken` or `invalid`. The only time, with `rotate`, that the text is shown. */
  create(input: NewKey): Promise<IssuedKey>;
  /** In id order. */
  list(page: KeyPageRequest): Promise<KeyPage>;
  show(ref: string): Promise<KeyView>;
  update(ref: string, changes: KeyChanges): Promise<KeyView>;
  /** A new secret; the old ones end after the overlap. */
  rotate(ref: string, rotation: Rotation): Promise<IssuedKey>;
  suspend(ref: string): Promise<KeyView>;
  resume(ref: string): Promise<KeyView>;
  /** Final: the secrets are forgotten, the id stays in the books. */
  revoke(ref: string): Promise<KeyView>;
}

export interface KeyPageRequest {
  /** Id after which the page starts; null for the first. */
  readonly after: string | null;
  /** At most `PAGE_SIZE_MAX`. */
  readonly limit: number;
}

/** The audit trail: both hash chains and the checkpoints. */
export interface AuditOperations {
  page(request: AuditPageRequest): Promise<AuditPageView>;
  /** Throws `not_found`. */
  show(ref: AuditRef): Promise<AuditEntryView>;
  /** One at a time. What is wrong is in the result; throws when the trail cannot be read. */
  verify(input: VerifyAuditInput): Promise<AuditVerificationView>;
  checkpoint(): Promise<CheckpointView>;
  publicKey(): Promise<string>;
}

/** Null leaves a condition out; times are RFC 3339. */
export interface AuditPageRequest {
  readonly chain: ChainName;
  readonly since: string | null;
  readonly until: string | null;
  /** Id or name of a key. */
  readonly key: string | null;
  /** `key.create`, or `key.*`. */
  readonly action: string | null;
  readonly order: 'newest' | 'oldest';
  readonly after: number | null;
  /** At most 500. */
  readonly limit: number;
  readonly purpose: 'list' | 'export';
}

/** Times are RFC 3339; dimensions are the words of `usage --by`. */
export interface UsageRequest {
  readonly by: readonly string[];
  readonly since: string;
  readonly until: string;
  readonly where: readonly { readonly dimension: string; readonly value: string }[];
}
