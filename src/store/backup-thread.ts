import type { BackupMade, BackupOrder } from './backup.ts';
import type { BackupAnswer } from './backup-worker.ts';
import { StoreError } from './store-error.ts';

/** Makes a backup on a thread of its own. Rejects with what `writeBackup` throws. */
export async function makeBackup(order: BackupOrder): Promise<BackupMade> {
  // The build lists the worker as an entrypoint with a flat name, as it does that of the books.
  const url = new URL('./backup-worker.ts', import.meta.url).href;
  const worker = new Worker(url, { name: 'llmgate backup', smol: true });
  try {
    const answer = await new Promise<BackupAnswer>((resolve, reject) => {
      worker.addEventListener('message', (event) => resolve(event.data));
      worker.addEventListener('error', (event) => reject(new Error(event.message)));
      worker.addEventListener('close', () => reject(new Error('the thread of the backup ended')));
      worker.postMessage(order);
    });
    if ('made' in answer) return answer.made;
    throw answer.isStoreError ? new StoreError(answer.failure) : new Error(answer.failure);
  } finally {
    worker.terminate();
  }
}
