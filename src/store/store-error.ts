/**
 * The data directory cannot be used as it is. The message is one plain sentence or two for the
 * operator: which file, what is wrong, what to do.
 */
export class StoreError extends Error {
  override readonly name: string = 'StoreError';
}

/** Another process holds the lock: nothing is wrong with the directory, it is only not ours now. */
export class StoreInUseError extends StoreError {
  override readonly name = 'StoreInUseError';
}
