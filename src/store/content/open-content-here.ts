import { existsSync } from 'node:fs';
import { type RandomBytes, systemRandom } from '../../core/clock.ts';
import { ignoreStoreEvents, type StoreLog } from '../store-event.ts';
import {
  type AskDesk,
  type ContentAccess,
  createContentAccess,
  createNoContent,
  type IsHeld,
} from './content-access.ts';
import { contentPath } from './content-database.ts';
import { ContentDesk } from './content-desk.ts';

export interface ContentHereOptions {
  readonly dataDir: string;
  readonly contentKeys: readonly Uint8Array[];
  readonly isHeld: IsHeld;
  readonly random?: RandomBytes;
  readonly log?: StoreLog;
}

/**
 * Captured content on the caller's own thread, for commands without a gateway. The caller holds
 * the lock of the data directory. Makes no database where there is none.
 */
export function openContentHere(options: ContentHereOptions): ContentAccess & { close(): void } {
  const { dataDir, contentKeys, isHeld, random = systemRandom, log = ignoreStoreEvents } = options;
  const path = contentPath(dataDir);
  if (!existsSync(path)) return { ...createNoContent(), close() {} };
  const desk = new ContentDesk({ path, contentKeys, durability: 'full' }, { random, log });
  const ask: AskDesk = async <T>(question: Parameters<AskDesk>[0]) => {
    if (question.op === 'keep') throw new Error('content is captured by a gateway only');
    // The desk answers each question with the type that the question names.
    return desk.answer(question) as T;
  };
  return {
    ...createContentAccess(ask, isHeld),
    close() {
      while (desk.tidyStep());
      desk.close();
    },
  };
}
