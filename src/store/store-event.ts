/** Something about the books that belongs in the log. The store itself never prints. */
export interface StoreEvent {
  readonly level: 'info' | 'warn' | 'error';
  /** A stable word for the log line, such as `books_worker_restarted`. */
  readonly event: string;
  readonly message: string;
  readonly cause?: unknown;
}

export type StoreLog = (event: StoreEvent) => void;

export const ignoreStoreEvents: StoreLog = () => {};
