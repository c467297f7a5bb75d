import type { Clock } from '../core/clock.ts';
import { contentCopyPath } from '../store/backup-target.ts';
import type { Store } from '../store/store.ts';
import { StoreError } from '../store/store-error.ts';
import type { Actor } from './actor.ts';
import { BackupInput, type BackupView } from './backup-schemas.ts';
import { OperationError } from './operation-error.ts';
import { parseInput } from './parse-input.ts';

export interface BackupOperations {
  /** Copies everything while all goes on. One at a time; throws `conflict` and `unavailable`. */
  create(input: BackupInput): Promise<BackupView>;
}

export interface BackupOperationsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly actor: () => Actor;
  readonly version: string;
}

export function createBackupOperations(parts: BackupOperationsParts): BackupOperations {
  let isCopying = false;
  return {
    async create(input) {
      if (isCopying) throw new OperationError('conflict', 'a backup is being made already');
      isCopying = true;
      try {
        return await createBackup(parts, input);
      } finally {
        isCopying = false;
      }
    },
  };
}

async function createBackup(
  { store, clock, actor, version }: BackupOperationsParts,
  input: BackupInput,
): Promise<BackupView> {
  const { file, overwrite } = parseInput(BackupInput, input);
  const startedMs = clock.monotonicMs();
  const order = { file, overwrite, llmgate: version, atMs: clock.nowMs() };
  const { manifest, sizeBytes } = await store.backup(order).catch(toOperation);
  const { heads, schema, content } = manifest;
  const facts = {
    size_bytes: sizeBytes,
    content_size_bytes: content?.sizeBytes ?? 0,
    schema,
    requests_seq: heads.requests.seq,
    admin_events_seq: heads.admin_events.seq,
  };
  const who = actor();
  const event = { action: 'ledger.backup', target: file, before: null, after: facts, ...who };
  return {
    file,
    content_file: content === null ? null : contentCopyPath(file),
    ...facts,
    time: new Date(manifest.madeAtMs).toISOString(),
    duration_ms: Math.round(clock.monotonicMs() - startedMs),
    // A disk that is full is a reason for a backup to another one, not against it.
    recorded: tryTo(() => store.audit.record({ atMs: clock.nowMs(), ...event })),
  };
}

function tryTo(write: () => void): boolean {
  try {
    write();
    return true;
  } catch {
    return false;
  }
}

function toOperation(cause: unknown): never {
  if (cause instanceof StoreError) {
    throw new OperationError('unavailable', `no backup was made: ${cause.message}`, { cause });
  }
  throw cause;
}
