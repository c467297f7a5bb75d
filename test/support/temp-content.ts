import { onTestFinished } from 'vitest';
import type { Key } from '../../src/core/key.ts';
import type { KeptMode } from '../../src/store/content/content-message.ts';
import {
  type ContentStore,
  type ContentStoreOptions,
  openContentStore,
} from '../../src/store/content/content-store.ts';
import type { StoreEvent } from '../../src/store/store-event.ts';
import { createFakeClock } from './fake-clock.ts';
import { aKey, tempDir } from './temp-store.ts';

export const CONTENT_KEY = Uint8Array.from({ length: 32 }, (_, at) => at * 7 + 1);
export const OTHER_CONTENT_KEY = CONTENT_KEY.toReversed();

export interface TempContent {
  readonly content: ContentStore;
  readonly dataDir: string;
  readonly events: StoreEvent[];
  /** Resolves once an event of this name was logged. */
  logged(name: string): Promise<void>;
  /** Captures one whole request; returns its reference. */
  capture(request: CapturedText): Promise<Uint8Array | null>;
}

export interface CapturedText {
  readonly id: string;
  readonly key?: Key;
  readonly mode?: KeptMode;
  readonly request?: string | Uint8Array;
  /** In the pieces in which it came. */
  readonly answer?: readonly (string | Uint8Array)[];
}

/** A content database with its real worker, closed when the test ends. */
export async function openTempContent(
  options: Partial<ContentStoreOptions> = {},
): Promise<TempContent> {
  const dataDir = options.dataDir ?? tempDir();
  const events: StoreEvent[] = [];
  let wake = () => {};
  const content = await openContentStore({
    dataDir,
    contentKeys: [CONTENT_KEY],
    capBytes: 64 * 1024,
    retentionMs: 24 * 3_600_000,
    durability: 'process',
    clock: createFakeClock(),
    log(event) {
      events.push(event);
      wake();
    },
    ...options,
  });
  onTestFinished(() => content.close());
  return {
    content,
    dataDir,
    events,
    async logged(name) {
      while (!events.some(({ event }) => event === name)) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    },
    capture({ id, key = aKey(), mode = 'full', request = '{"q":1}', answer = ['{"a":1}'] }) {
      const capture = content.begin({ requestId: id, key, mode });
      if (capture === undefined) return Promise.resolve(null);
      capture.request(toBytes(request));
      for (const piece of answer) capture.answer(toBytes(piece));
      return capture.finish();
    },
  };
}

/** A request id that ends in a number. */
export function requestId(number: number): string {
  return `01938a5c-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function toBytes(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
