import type { Clock, RandomBytes } from '../core/clock.ts';
import { GateError } from '../core/error.ts';
import type { Log } from '../observe/log.ts';
import type { ContentAccess } from '../store/content/content-access.ts';
import type { Store } from '../store/store.ts';
import { type Actor, currentActor } from './actor.ts';
import { type AuditSigning, createAuditOperations } from './audit-operations.ts';
import { createBackupOperations } from './backup-operations.ts';
import { createBooksOperations } from './books-operations.ts';
import type { FileBudgets } from './budget-desk.ts';
import { createBudgetOperations } from './budget-operations.ts';
import { createContentOperations } from './content-operations.ts';
import { createExplainOperations } from './explain-operations.ts';
import { createHoldOperations } from './hold-operations.ts';
import { createKeyOperations } from './key-operations.ts';
import type { LiveGateway } from './live-gateway.ts';
import { createLiveOperations } from './live-operations.ts';
import { createLogOperations } from './log-operations.ts';
import { OperationError } from './operation-error.ts';
import type { Operations } from './operations.ts';

export interface LocalParts {
  readonly store: Store;
  readonly content: ContentAccess;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** null when the store was opened without a gateway. */
  readonly live: LiveGateway | null;
  /** Of the gateway; left out, there is none. */
  readonly log?: Pick<Log, 'levels' | 'setLevels'>;
  /** Who asks; left out, it is whoever sent the request that is being answered. */
  readonly actor?: () => Actor;
  /** Asked for without a gateway; left out, the configuration is taken for unknown. */
  readonly fileBudgets?: () => Promise<FileBudgets | null>;
  /** Of llmgate, for what is written into backups. */
  readonly version?: string;
  /** Left out, nothing can be signed. */
  readonly signing?: AuditSigning;
}

/** The operations in the process that holds the store. The store stays the caller's to close. */
export function createOperations(parts: LocalParts): Operations {
  const { live, actor = currentActor, fileBudgets = async () => null } = parts;
  const gateway = (): LiveGateway => {
    if (live !== null) return live;
    throw new OperationError('not_running', 'the gateway is not running');
  };
  return {
    keys: createKeyOperations({ ...parts, actor }),
    audit: createAuditOperations({ ...parts, actor, signing: parts.signing ?? NO_SIGNING }),
    content: createContentOperations({ ...parts, actor }),
    holds: createHoldOperations({ ...parts, actor }),
    budgets: createBudgetOperations({ ...parts, actor, fileBudgets }),
    explain: createExplainOperations({ ...parts, actor, fileBudgets }),
    log: createLogOperations({ ...parts, actor }),
    backups: createBackupOperations({ ...parts, actor, version: parts.version ?? 'unknown' }),
    ...createBooksOperations({ ...parts, actor }),
    ...createLiveOperations({ ...parts, gateway, actor }),
    status: async () => gateway().status(),
    models: async () => gateway().models(),
    backends: async () => gateway().backends(),
    reload: async () => gateway().reload(actor()),
  };
}

const NO_SIGNING: AuditSigning = {
  checkpointer() {
    throw new OperationError('unavailable', 'there is no key to sign checkpoints with');
  },
  publicKeys: () => null,
};

/** Whatever an operation threw, as an OperationError. Unknown causes say nothing of themselves. */
export function toOperationError(cause: unknown): OperationError {
  if (cause instanceof OperationError) return cause;
  if (cause instanceof GateError) {
    const code = cause.code === 'store_unavailable' ? 'unavailable' : 'internal';
    return new OperationError(code, cause.message, { cause });
  }
  return new OperationError('internal', 'the operation failed; the cause is in the log', { cause });
}
