import { existsSync, lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditAction } from '../audit/actions.ts';
import type { Clock } from '../core/clock.ts';
import { openAuditTrail } from './audit-events.ts';
import { removeManifest } from './backup-manifest.ts';
import { contentPath } from './content/content-database.ts';
import { openDirectoryLock } from './directory-lock.ts';
import { explainFault } from './explain-fault.ts';
import { readInstallId } from './install-id.ts';
import { databasePath } from './open-database.ts';
import { findContentCopy, verifyContent } from './restore-content.ts';
import {
  checkBooksHeader,
  checkRoomFor,
  explainCopy,
  giveToOwner,
  removeStaged,
  stageFile,
} from './restore-copy.ts';
import { findLoss, type Loss } from './restore-loss.ts';
import { type SwapStep, swapFiles } from './restore-swap.ts';
import { type VerifiedCopy, verifyCopy } from './restore-verify.ts';
import { findPublicKeys } from './signing-key-file.ts';
import { openSqlite } from './sqlite.ts';
import { StoreError } from './store-error.ts';
import { syncToDisk } from './sync-to-disk.ts';

export interface RestoreOrder {
  readonly dataDir: string;
  /** Absolute. */
  readonly file: string;
  /** Books of another installation may take the place. */
  readonly replaceInstall: boolean;
  /** Captured content stays as it is. */
  readonly keepContent: boolean;
  /** PEM of the configuration; null when it says none, undefined when it cannot be told. */
  readonly signingKey: string | null | undefined;
  readonly threads: number;
  readonly clock: Clock;
  readonly onStep?: (step: RestoreStep) => void;
}

export type RestoreStep = 'copying' | 'verifying' | SwapStep;

/** What becomes of the captured content of the directory. */
export type ContentPlan = 'replaced' | 'removed' | 'kept' | 'none';

/** A backup that was verified, in the data directory, one step before it takes the place. */
export interface PreparedRestore {
  readonly copy: VerifiedCopy;
  readonly loss: Loss;
  readonly content: ContentPlan;
  /** Replaces the books and records who did it in the new ones. Returns what was put aside. */
  apply(who: { readonly actor: string; readonly origin: string }): string[];
  /** Removes what was not used and releases the lock. */
  close(): void;
}

/**
 * Verifies a backup without changing anything that is in use. Throws a StoreError, in one
 * sentence, when it must not be restored or a process uses the directory.
 */
export async function prepareRestore(order: RestoreOrder): Promise<PreparedRestore> {
  const { dataDir } = order;
  const books = { path: databasePath(dataDir), staged: `${databasePath(dataDir)}.restoring` };
  const content = { path: contentPath(dataDir), staged: `${contentPath(dataDir)}.restoring` };
  const directory = takeDirectory(dataDir);
  let isApplied = false;
  const close = () => {
    removeStaged(books.staged);
    removeStaged(content.staged);
    directory.release(isApplied);
  };
  try {
    const { copy, hasContent } = await stage(order, books.staged, content.staged);
    const plan = planContent(order, copy, hasContent);
    const loss = findLoss(books.path, books.staged, copy.heads, order.clock.nowMs());
    return {
      ...{ copy, loss, content: plan, close },
      apply: explained(order.dataDir, (who) => {
        sign(order, { copy, loss }, books.staged, who);
        const isNewHere = readInstallId(dataDir) !== copy.installId;
        const aside = swapFiles({
          ...{ dataDir, books },
          content:
            plan === 'kept' || plan === 'none'
              ? null
              : { path: content.path, staged: hasContent ? content.staged : null },
          suffix: `.before-restore-${toFileTime(order.clock.nowMs())}`,
          newInstallId: isNewHere ? copy.installId : null,
          onStep: order.onStep ?? (() => {}),
        });
        isApplied = true;
        return aside;
      }),
    };
  } catch (cause) {
    close();
    throw explainCopy(cause, order.file);
  }
}

/** The same, throwing StoreErrors for faults of the disk. */
function explained<In, Out>(path: string, act: (input: In) => Out): (input: In) => Out {
  return (input) => {
    try {
      return act(input);
    } catch (cause) {
      throw explainFault(cause, path);
    }
  };
}

/** The directory under its lock, made when there is none and then removed unless it is used. */
function takeDirectory(dataDir: string) {
  try {
    const made = mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const lockPath = join(dataDir, 'lock');
    const hadLock = existsSync(lockPath);
    const lock = openDirectoryLock(dataDir);
    if (!hadLock) giveToOwner(lockPath);
    return {
      release(isUsed: boolean) {
        // Before it is let go: whoever waited for it must not hold one that has no name.
        if (!isUsed && !hadLock) rmSync(lockPath, { force: true });
        lock.close();
        if (!isUsed && made !== undefined) rmSync(made, { recursive: true });
      },
    };
  } catch (cause) {
    throw explainFault(cause, dataDir);
  }
}

async function stage(order: RestoreOrder, books: string, content: string) {
  const { dataDir, file, threads, onStep } = order;
  const header = checkBooksHeader(file);
  if (isSameFile(file, databasePath(dataDir))) {
    throw new StoreError(`${file} is the database of this directory and no backup of it.`);
  }
  checkRoomFor(dataDir, header, sizeOf(`${file}.content`));
  onStep?.('copying');
  await stageFile(file, books);
  onStep?.('verifying');
  const ownKeyOf = (installId: string) => findOwnKey(order, installId);
  const copy = await verifyCopy({ staged: books, file, ownKeyOf, threads });
  const contentCopy = order.keepContent ? null : findContentCopy(file, copy.manifest);
  if (contentCopy !== null && copy.manifest !== null) {
    await stageFile(contentCopy, content);
    verifyContent(content, file, copy.manifest);
  }
  return { copy, hasContent: contentCopy !== null };
}

/** What the gateway of this directory would hold checkpoints against, if they are its own. */
function findOwnKey(order: RestoreOrder, installId: string): string | null {
  const { dataDir, file, replaceInstall, signingKey: pem } = order;
  const expected = readInstallId(dataDir);
  if (expected === installId) {
    return pem === undefined ? null : findPublicKeys({ dataDir, installId, pem });
  }
  if (expected === undefined || replaceInstall) return null;
  throw new StoreError(
    `${file} belongs to another installation than ${dataDir}; nothing was changed, add --replace-install if it is to take the place.`,
  );
}

/** A copy that says nothing of content says nothing about the content that is there. */
function planContent(order: RestoreOrder, copy: VerifiedCopy, hasContent: boolean): ContentPlan {
  const isThere = existsSync(contentPath(order.dataDir));
  if (hasContent) return 'replaced';
  if (!isThere) return 'none';
  return order.keepContent || copy.manifest === null ? 'kept' : 'removed';
}

/** The last thing that is written into the copy: who made it the books, and what was lost. */
function sign(
  { file, clock }: RestoreOrder,
  { copy, loss }: Pick<PreparedRestore, 'copy' | 'loss'>,
  staged: string,
  who: { readonly actor: string; readonly origin: string },
): void {
  const action: AuditAction = 'ledger.restore';
  const { manifest, heads, schema } = copy;
  const madeAtMs = manifest?.madeAtMs;
  const lost =
    loss.kind === 'known'
      ? { requests: loss.requests, admin_events: loss.adminEvents, keys: loss.keys }
      : loss.kind;
  const after = {
    made_at: madeAtMs === undefined ? null : new Date(madeAtMs).toISOString(),
    requests_seq: heads.requests.seq,
    admin_events_seq: heads.admin_events.seq,
    schema,
    lost,
  };
  const db = openSqlite(staged, { busyTimeoutMs: 1_000, mustExist: true });
  try {
    db.pragma('synchronous = FULL');
    removeManifest(db);
    openAuditTrail(db).record({
      ...{ atMs: clock.nowMs(), action, target: file, before: null, after, ...who },
    });
  } finally {
    db.close();
  }
  syncToDisk(staged);
}

function isSameFile(path: string, other: string): boolean {
  return existsSync(other) && realpathSync(path) === realpathSync(other);
}

function sizeOf(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** `20261120T103000.123Z`: sorts, and fits every file system. */
function toFileTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(/[-:]/g, '');
}
