/**
 * The two hash chains, as the rest of the program sees them: finished requests are appended by the
 * ledger, administrative events here.
 */
export const CHAINS = ['requests', 'admin_events'] as const;
export type ChainName = (typeof CHAINS)[number];

/** Something an operator, a file or a stranger did that is not a request. */
export interface NewAdminEvent {
  readonly atMs: number;
  /** Who: a user of the machine as the command names it, `gateway`, or `unknown`. */
  readonly actor: string;
  /** From where: `admin socket`, `offline`, `file`, `signal`, or the address of a caller. */
  readonly origin: string;
  /** What happened, as `object.verb`: `key.create`, `config.load`, `login.fail`, `purge.done`. */
  readonly action: string;
  /** What it happened to: the id of a key, the name of a budget; empty for the gateway itself. */
  readonly target: string;
  /** JSON values without secrets; null where there was nothing. */
  readonly before: unknown;
  readonly after: unknown;
}

export interface AdminEvent extends NewAdminEvent {
  /** Counts from 1 without gaps. */
  readonly seq: number;
  /** SHA-256 over the event and the hash before it, in hexadecimal. */
  readonly hash: string;
}

/** The newest row of a chain. `seq` 0 and 64 zeros for an empty one. */
export interface ChainHead {
  readonly seq: number;
  /** Hexadecimal, 64 characters. */
  readonly hash: string;
}

export type ChainHeads = Readonly<Record<ChainName, ChainHead>>;

/** A signed statement of where both chains ended at one moment. */
export interface Checkpoint {
  readonly atMs: number;
  readonly heads: ChainHeads;
  /** The whole signed note, as it is exported. */
  readonly note: string;
}

export interface AuditTrail {
  /** Which books these are: part of every checkpoint. */
  readonly installId: string;
  /** Appends one event. Inside `transact` it is written with the change it tells of. */
  record(event: NewAdminEvent): AdminEvent;
  /** Where both chains end, of what is durable. */
  heads(): ChainHeads;
  addCheckpoint(checkpoint: Checkpoint): void;
  lastCheckpoint(): Checkpoint | null;
}
