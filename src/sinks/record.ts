/** What is exported: both hash chains, and the signed statements of where they ended. */
export const EXPORTED_CHAINS = ['requests', 'admin_events', 'checkpoints'] as const;
export type ExportedChain = (typeof EXPORTED_CHAINS)[number];

/** A number for each exported chain. */
export type PerChain = Readonly<Record<ExportedChain, number>>;

/** One row as it leaves the gateway. */
export interface AuditRecord {
  /** Position in its chain; of a checkpoint, its time in milliseconds. */
  readonly seq: number;
  readonly atMs: number;
  /** Hexadecimal, 64 characters; empty for a checkpoint. */
  readonly hash: string;
  /** One JSON document without a line break: `docs/export.md` is its schema. */
  readonly line: string;
}

export interface AuditBatch {
  readonly chain: ExportedChain;
  /** In order, at least one. */
  readonly records: readonly AuditRecord[];
}

/** Where rows come from; never read on the thread that serves requests. */
export interface AuditReader {
  /** The newest seq of each chain, 0 for an empty one. */
  heads(): Promise<PerChain>;
  /** The next rows in order, at most `limit`, fewer when they are long; none at the end. */
  read(chain: ExportedChain, afterSeq: number, limit: number): Promise<readonly AuditRecord[]>;
}

/** How far each sink has got, durable. */
export interface ExportCursors {
  /** 0 for a sink that never got anything. */
  get(sink: string, chain: ExportedChain): number;
  move(sink: string, chain: ExportedChain, seq: number): void;
}
