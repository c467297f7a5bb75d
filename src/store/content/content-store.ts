import { existsSync } from 'node:fs';
import type { Clock } from '../../core/clock.ts';
import type { Key } from '../../core/key.ts';
import { ignoreStoreEvents, type StoreLog } from '../store-event.ts';
import { CaptureRoom } from './capture-room.ts';
import {
  type ContentAccess,
  createContentAccess,
  createNoContent,
  type IsHeld,
} from './content-access.ts';
import { type CapturedParts, ContentCapture } from './content-capture.ts';
import { contentPath } from './content-database.ts';
import type { CapturedContent, KeptMode } from './content-message.ts';
import { ContentThread } from './content-thread.ts';

/** What all captured bodies may take before they are written, and how many full ones fit at least. */
const ROOM_BYTES = 64 * 1024 * 1024;
const FULL_BODIES = 4;

/** Longest wait of a settlement for its content. */
const KEEP_WITHIN_MS = 2_000;

/** How often it tries to write while it cannot. */
const PROBE_EVERY_MS = 1_000;

const PURGE_EVERY_MS = 10 * 60_000;

/** What a reload may change. */
export interface ContentLimits {
  /** The most that is kept of one body. */
  readonly capBytes: number;
  readonly retentionMs: number;
}

export interface ContentStoreOptions extends ContentLimits {
  readonly dataDir: string;
  /** The first wraps new data keys, the others still unwrap older ones; none keeps nothing. */
  readonly contentKeys: readonly Uint8Array[];
  readonly durability: 'process' | 'full';
  readonly clock: Clock;
  readonly isHeld?: IsHeld;
  readonly log?: StoreLog;
  /** Bounds, and another program in the worker's place: for tests. */
  readonly roomBytes?: number;
  readonly keepWithinMs?: number;
  readonly restartAfterMs?: number;
  readonly probeEveryMs?: number;
  readonly workerUrl?: string;
}

export interface CapturedRequest {
  readonly requestId: string;
  readonly key: Key;
  readonly mode: KeptMode;
}

export interface ContentStats {
  /** Requests whose content was written. */
  readonly kept: number;
  /** Requests whose content was not, by what was missing: room, the disk, time, a content key. */
  readonly lost: Readonly<Record<Loss, number>>;
  readonly bytesInFlight: number;
  readonly purged: number;
  readonly restarts: number;
  readonly isFailing: boolean;
}

type Loss = 'room' | 'failed' | 'late' | 'unkeyed';

/** Captures prompts and answers. Satisfies the gateway's `ContentRecorder`. */
export interface ContentStore extends ContentAccess {
  begin(request: CapturedRequest): ContentCapture | undefined;
  readonly isFailing: boolean;
  /** For what begins from now on. */
  setLimits(limits: ContentLimits): void;
  stats(): ContentStats;
  close(): Promise<void>;
}

/**
 * Opens the content database of a data directory whose lock the caller holds, on a thread of its
 * own. Without content keys nothing is captured and no thread is started unless there is content
 * from before. Throws a StoreError when the database is not to be trusted.
 */
export async function openContentStore(options: ContentStoreOptions): Promise<ContentStore> {
  const path = contentPath(options.dataDir);
  const isUsed = options.contentKeys.length > 0 || existsSync(path);
  const store = new OpenContentStore(options, isUsed ? path : null);
  try {
    await store.started;
  } catch (cause) {
    await store.close();
    throw cause;
  }
  return store;
}

function toRoomBytes(limits: ContentLimits & { readonly roomBytes?: number }): number {
  return limits.roomBytes ?? Math.max(ROOM_BYTES, FULL_BODIES * limits.capBytes);
}

class OpenContentStore implements ContentStore {
  readonly find: ContentAccess['find'];
  readonly erase: ContentAccess['erase'];
  readonly tryErase: ContentAccess['tryErase'];
  readonly countOldKeys: ContentAccess['countOldKeys'];
  readonly #access: ContentAccess;
  readonly #options: ContentStoreOptions;
  readonly #log: StoreLog;
  readonly #room: CaptureRoom;
  readonly #thread: ContentThread | undefined;
  #limits: ContentLimits;
  readonly #purging: ReturnType<typeof setInterval>;
  readonly #lost: Record<Loss, number> = { room: 0, failed: 0, late: 0, unkeyed: 0 };
  #probing: ReturnType<typeof setInterval> | undefined;
  #kept = 0;
  #purged = 0;
  /** Content that is waited for no more and may yet be written. */
  #overdue = 0;
  #isBroken = false;
  #wasFailing = false;

  constructor(options: ContentStoreOptions, path: string | null) {
    const { log = ignoreStoreEvents, isHeld = () => false } = options;
    this.#options = options;
    this.#log = log;
    this.#room = new CaptureRoom(toRoomBytes(options));
    this.#limits = options;
    const thread = path === null ? undefined : this.#openThread(path);
    this.#thread = thread;
    this.#access =
      thread === undefined
        ? createNoContent()
        : createContentAccess((question) => thread.ask(question), isHeld);
    this.find = this.#access.find;
    this.erase = this.#access.erase;
    this.tryErase = this.#access.tryErase;
    this.countOldKeys = this.#access.countOldKeys;
    this.#purging = setInterval(() => this.#purgeExpired(), PURGE_EVERY_MS);
    this.#purging.unref();
  }

  get started(): Promise<void> {
    return this.#thread?.started ?? Promise.resolve();
  }

  get isFailing(): boolean {
    const isKeyless = this.#options.contentKeys.length === 0;
    return isKeyless || this.#isBroken || this.#overdue > 0 || this.#room.isFull;
  }

  begin({ requestId, key, mode }: CapturedRequest): ContentCapture | undefined {
    const { contentKeys, clock } = this.#options;
    const thread = this.#thread;
    if (thread === undefined || contentKeys.length === 0) {
      this.#lost.unkeyed += 1;
      return undefined;
    }
    const { id: keyId, user, team, tenant } = key;
    const about = { requestId, owner: { keyId, user, team, tenant }, mode, atMs: clock.nowMs() };
    return new ContentCapture({
      capBytes: this.#limits.capBytes,
      room: this.#room,
      onNoRoom: () => this.#lose('room'),
      keep: ({ request, answer, memory }) =>
        this.#keep(thread, { ...about, request, answer }, memory),
    });
  }

  setLimits(limits: ContentLimits): void {
    this.#limits = limits;
    this.#room.setLimit(toRoomBytes(limits));
  }

  async purge(beforeMs: number): Promise<number> {
    const removed = await this.#access.purge(beforeMs);
    this.#purged += removed;
    return removed;
  }

  stats(): ContentStats {
    return {
      kept: this.#kept,
      lost: { ...this.#lost },
      bytesInFlight: this.#room.takenBytes,
      purged: this.#purged,
      restarts: this.#thread?.restarts ?? 0,
      isFailing: this.isFailing,
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#purging);
    clearInterval(this.#probing);
    await this.#thread?.close();
  }

  #openThread(path: string): ContentThread {
    const { contentKeys, durability, workerUrl, restartAfterMs } = this.#options;
    return new ContentThread({
      desk: { path, contentKeys, durability },
      log: this.#log,
      onChange: (state) => (state === 'lost' ? this.#break() : this.#probe()),
      url: workerUrl,
      restartAfterMs,
    });
  }

  async #keep(
    thread: ContentThread,
    content: CapturedContent,
    memory: CapturedParts['memory'],
  ): Promise<Uint8Array | null> {
    const takenBytes = memory.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const { requestId } = content;
    const { promise: late, resolve: giveUp } = Promise.withResolvers<'late'>();
    const deadline = setTimeout(giveUp, this.#options.keepWithinMs ?? KEEP_WITHIN_MS, 'late');
    const kept = thread.ask<Uint8Array>({ op: 'keep', content }, memory);
    // Until the thread has answered the bytes are somewhere in this process.
    const freed = kept.finally(() => this.#room.give(takenBytes));
    try {
      const result = await Promise.race([freed, late]);
      if (result !== 'late') {
        this.#kept += 1;
        this.#mend();
        return result;
      }
      this.#lose('late');
      this.#awaitOverdue(freed);
      // No row will name it, so it must not stay. Asked later, it is also done later.
      thread.ask({ op: 'forget', requestId }).catch(() => {});
      return null;
    } catch {
      this.#lose('failed');
      this.#break();
      return null;
    } finally {
      clearTimeout(deadline);
    }
  }

  #awaitOverdue(answered: Promise<unknown>): void {
    this.#overdue += 1;
    answered.then(
      () => {
        this.#overdue -= 1;
        this.#report();
      },
      () => {
        this.#overdue -= 1;
        this.#break();
      },
    );
    this.#report();
  }

  #lose(why: Loss): void {
    this.#lost[why] += 1;
    this.#report();
  }

  /** From here on nothing is expected to be written until something was. */
  #break(): void {
    this.#isBroken = true;
    const everyMs = this.#options.probeEveryMs ?? PROBE_EVERY_MS;
    this.#probing ??= setInterval(() => this.#probe(), everyMs).unref();
    this.#report();
  }

  #mend(): void {
    this.#isBroken = false;
    clearInterval(this.#probing);
    this.#probing = undefined;
    this.#report();
  }

  /** Where policy refuses requests while this is broken, no request would ever mend it. */
  #probe(): void {
    if (!this.#isBroken) return;
    this.#thread?.ask({ op: 'probe' }).then(
      () => this.#mend(),
      () => {},
    );
  }

  #purgeExpired(): void {
    const { clock } = this.#options;
    this.purge(clock.nowMs() - this.#limits.retentionMs).catch((cause: unknown) => {
      const message = 'Content past its retention could not be removed.';
      this.#log({ level: 'warn', event: 'content_purge_failed', message, cause });
    });
  }

  /** One line when it begins to fail and one when it is over, however much was lost between. */
  #report(): void {
    const { isFailing } = this;
    if (isFailing === this.#wasFailing) return;
    this.#wasFailing = isFailing;
    const { lost, bytesInFlight } = this.stats();
    const counts = `lost ${JSON.stringify(lost)}, ${bytesInFlight} bytes waiting`;
    this.#log(
      isFailing
        ? {
            level: 'error',
            event: 'content_failing',
            message: `Content is being lost (${counts}).`,
          }
        : {
            level: 'info',
            event: 'content_kept_again',
            message: `Content is kept again (${counts}).`,
          },
    );
  }
}
