import type { ReplyReader } from '../../src/backends/http1/client.ts';
import type { ReplyHead } from '../../src/backends/http1/reply-head.ts';
import type { SendFailure } from '../../src/backends/http1/send-failure.ts';

export type ReplyEnding =
  | { readonly kind: 'end'; readonly closeDelimited: boolean }
  | { readonly kind: 'failure'; readonly failure: SendFailure };

export interface RecordingReader extends ReplyReader {
  /** Resolves with the head of the reply. */
  readonly head: Promise<ReplyHead>;
  /** Resolves with the only terminal callback. */
  readonly ending: Promise<ReplyEnding>;
  readonly body: Buffer;
  readonly sizeBytes: number;
  /** How often `onEnd` or `onFailure` was called: more than once is a bug. */
  readonly endings: number;
  /** Callbacks that came after the terminal one, or out of order. */
  readonly violations: readonly string[];
  /** Resolves when at least this much of the body has arrived. */
  bytes(count: number): Promise<void>;
}

export interface ReaderHooks {
  onHead?(head: ReplyHead): void;
  onData?(bytes: Uint8Array): void;
  onEnd?(): void;
}

/** Writes down everything a client tells its reader. */
export function createRecordingReader(hooks: ReaderHooks = {}): RecordingReader {
  const head = Promise.withResolvers<ReplyHead>();
  const ending = Promise.withResolvers<ReplyEnding>();
  const pieces: Uint8Array[] = [];
  const violations: string[] = [];
  const waits: { count: number; resolve: () => void }[] = [];
  let sizeBytes = 0;
  let heads = 0;
  let endings = 0;

  function finish(how: ReplyEnding): void {
    if (++endings > 1) violations.push(`a second ending: ${JSON.stringify(how)}`);
    ending.resolve(how);
  }

  return {
    head: head.promise,
    ending: ending.promise,
    get body() {
      return Buffer.concat(pieces);
    },
    get sizeBytes() {
      return sizeBytes;
    },
    get endings() {
      return endings;
    },
    violations,
    bytes(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (sizeBytes >= count) resolve();
      else waits.push({ count, resolve });
      return promise;
    },
    onHead(value) {
      if (++heads > 1) violations.push('a second head');
      if (endings > 0) violations.push('a head after the end');
      head.resolve(value);
      hooks.onHead?.(value);
    },
    onData(bytes) {
      if (heads === 0) violations.push('data before the head');
      if (endings > 0) violations.push('data after the end');
      if (bytes.length === 0) violations.push('empty data');
      pieces.push(bytes);
      sizeBytes += bytes.length;
      for (const wait of waits) if (sizeBytes >= wait.count) wait.resolve();
      hooks.onData?.(bytes);
    },
    onEnd(closeDelimited) {
      if (heads === 0) violations.push('an end before the head');
      finish({ kind: 'end', closeDelimited });
      hooks.onEnd?.();
    },
    onFailure: (failure) => finish({ kind: 'failure', failure }),
  };
}
