import type { Key } from '../core/key.ts';
import type { LiveDocument } from '../observe/live-document.ts';
import type { LiveList } from '../observe/live-lists.ts';
import type { BudgetBook } from '../pricing/budgets.ts';
import type { Actor } from './actor.ts';
import type { BackendView, GatewayStatus, ModelView, ReloadResult } from './gateway-schemas.ts';
import type { LiveExplain } from './live-explain.ts';

/** What the operations need of the gateway they run in. Without one, they work on the store alone. */
export interface LiveGateway {
  /** The stored key is new or different: the next request must see it. */
  keyChanged(key: Key): void;
  /** The one that requests are held against. */
  readonly budgets: BudgetBook;
  status(): GatewayStatus;
  models(): ModelView[];
  backends(): BackendView[];
  /**
   * `since`: the `seq` of the document before; 0, or one of another gateway, for all it has. Long
   * lists that are not in `lists` are null.
   */
  live(since: number, lists: readonly LiveList[]): LiveDocument;
  readonly explain: LiveExplain;
  /** False when there is no such backend. */
  drainBackend(id: string): boolean;
  resumeBackend(id: string): boolean;
  /** Ends it with an error that says so; false when no such request is in flight. */
  cancelRequest(id: string): boolean;
  /** Never throws for a bad file: the old generation stays and `problems` says why. */
  reload(by: Actor): Promise<ReloadResult>;
  /** Sums that budgets were counted from were put right: they are to be counted from them again. */
  sumsRebuilt(): Promise<void>;
  /** Holds live counters against the rows; every difference is one plain sentence. */
  checkLive(): Promise<string[]>;
}
