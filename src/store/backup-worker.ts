import { type BackupMade, type BackupOrder, writeBackup } from './backup.ts';
import { StoreError } from './store-error.ts';

// The thread of one backup: the books are read through on a connection of its own, so neither
// requests nor reports, sums and checkpoints wait for it.

declare const self: Worker;

export type BackupAnswer =
  | { readonly made: BackupMade }
  | { readonly failure: string; readonly isStoreError: boolean };

self.onmessage = (event: MessageEvent<BackupOrder>) => {
  self.postMessage(answer(event.data));
};

function answer(order: BackupOrder): BackupAnswer {
  try {
    return { made: writeBackup(order) };
  } catch (cause) {
    const failure = cause instanceof Error ? cause.message : String(cause);
    return { failure, isStoreError: cause instanceof StoreError };
  }
}
