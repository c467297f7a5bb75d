import { existsSync } from 'node:fs';
import { type RandomBytes, systemRandom } from '../../core/clock.ts';
import { ignoreStoreEvents, type StoreLog } from '../store-event.ts';
import {
  type ContentAccess,
  createContentAccess,
  createNoContent,
  type IsHeld,
} from './content-access.ts';
import { contentPath } from './content-database.ts';
import { ContentDesk } from './content-desk.ts';
import type { ContentQuestion } from './content-message.ts';

export interface ContentHereOptions {
  readonly dataDir: string;
  readonly contentKeys: readonly Uint8Array[];
  readonly isHeld?: IsHeld;
  readonly random?: RandomBytes;
  readonly log?: StoreLog;
}

/**
 * Captured content on the caller's own thread, for commands without a gateway. The caller holds
 * the lock of the data directory. The database is opened by the first question, and not made
 * where there is none; closing finishes what erasures have left to remove.
 */
export function openContentHere(options: ContentHereOptions): ContentAccess & { close(): void } {
  const { dataDir, contentKeys, isHeld = () => false } = options;
  const { random = systemRandom, log = ignoreStoreEvents } = options;
  const path = contentPath(dataDir);
  if (!existsSync(path)) return { ...createNoContent(), close() {} };
  let desk: ContentDesk | undefined;
  async function ask<T>(question: ContentQuestion): Promise<T> {
    if (question.op === 'keep') throw new Error('content is captured by a gateway only');
    desk ??= new ContentDesk({ path, contentKeys, durability: 'full' }, { random, log });
    // The desk answers each question with the type that the question names.
    return desk.answer(question) as T;
  }
  return {
    ...createContentAccess(ask, isHeld),
    close() {
      while (desk?.tidyStep() === true);
      desk?.close();
    },
  };
}
