import type {
  AuditBatch,
  AuditReader,
  AuditRecord,
  ExportedChain,
} from '../../src/sinks/record.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import { aRecord } from './some-records.ts';

/** A sink in memory that does what a test says. */
export interface ScriptedSink extends Sink {
  /** `requests:1-3` for every batch that was taken, in order. */
  readonly taken: string[];
  readonly attempts: number;
  readonly isClosed: boolean;
  /** What the next writes do; undefined takes batches. */
  behave(how: ((batch: AuditBatch, signal: AbortSignal) => Promise<void>) | undefined): void;
}

export function createScriptedSink(id = 'sink', gatherMs = 0): ScriptedSink {
  const taken: string[] = [];
  let how: ((batch: AuditBatch, signal: AbortSignal) => Promise<void>) | undefined;
  let attempts = 0;
  let isClosed = false;
  let isWriting = false;
  return {
    id,
    type: 'file',
    gatherMs,
    taken,
    get attempts() {
      return attempts;
    },
    get isClosed() {
      return isClosed;
    },
    behave(next) {
      how = next;
    },
    async write(batch, signal) {
      if (isWriting || isClosed) throw new Error('a sink is used by one write at a time');
      isWriting = true;
      attempts += 1;
      try {
        await how?.(batch, signal);
      } finally {
        isWriting = false;
      }
      const { records } = batch;
      taken.push(`${batch.chain}:${records[0]?.seq}-${records.at(-1)?.seq}`);
    },
    close: async () => {
      isClosed = true;
    },
  };
}

/** Chains in memory that grow when a test says so. */
export interface MemoryReader extends AuditReader {
  /** Adds rows to a chain. */
  grow(chain: ExportedChain, rows: number): void;
  /** Deletes the rows of a chain up to a seq, as retention does. */
  purge(chain: ExportedChain, upToSeq: number): void;
  /** Thrown by every call while set. */
  failure: Error | undefined;
  /** Calls so far. */
  readonly asked: { heads: number; read: number };
}

export function createMemoryReader(): MemoryReader {
  const heads = { requests: 0, admin_events: 0, checkpoints: 0 };
  const purged = { requests: 0, admin_events: 0, checkpoints: 0 };
  const asked = { heads: 0, read: 0 };
  const reader: MemoryReader = {
    failure: undefined,
    asked,
    grow(chain, rows) {
      heads[chain] += rows;
    },
    purge(chain, upToSeq) {
      purged[chain] = upToSeq;
    },
    async heads() {
      asked.heads += 1;
      if (reader.failure !== undefined) throw reader.failure;
      return { ...heads };
    },
    async read(chain, afterSeq, limit) {
      asked.read += 1;
      if (reader.failure !== undefined) throw reader.failure;
      const records: AuditRecord[] = [];
      let seq = Math.max(afterSeq, purged[chain]) + 1;
      for (; seq <= heads[chain] && records.length < limit; seq += 1) {
        records.push(aRecord(seq, chain));
      }
      return records;
    },
  };
  return reader;
}
