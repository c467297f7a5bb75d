import type { OutgoingRequest, ReplyReader, Sending } from './client.ts';
import type { Connection } from './connection.ts';

/** One request on its way. It outlives its connection's interest in it, so that a late `abort()`
 * cannot hit the next request on the same connection. */
export class ActiveSending implements Sending {
  reusedConnection = false;
  credential = -1;
  /** Ended, failed or aborted: no callback may follow. */
  over = false;
  paused = false;
  hasBegun = false;
  connection: Connection | null = null;
  readonly request: OutgoingRequest;
  readonly head: string;
  readonly reader: ReplyReader;
  readonly startMs: number;

  constructor(request: OutgoingRequest, head: string, reader: ReplyReader, startMs: number) {
    this.request = request;
    this.head = head;
    this.reader = reader;
    this.startMs = startMs;
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    this.connection?.abandon();
    this.connection = null;
  }

  pause(): void {
    if (this.over || this.paused) return;
    this.paused = true;
    this.connection?.pause();
  }

  resume(): void {
    if (this.over || !this.paused) return;
    this.paused = false;
    this.connection?.resume();
  }
}
