import type { AuditBatch, AuditRecord, ExportedChain } from '../../src/sinks/record.ts';

/** A row as the reader hands it out, small and with a word that is not ASCII. */
export function aRecord(seq: number, chain: ExportedChain = 'requests'): AuditRecord {
  const hash = seq.toString(16).padStart(64, '0');
  return {
    seq,
    atMs: Date.UTC(2026, 10, 18, 10, 30) + seq,
    hash,
    line: JSON.stringify({ schema: 1, chain, seq, hash, user: 'Zoë', note: 'a "quote" ] \\' }),
  };
}

/** Rows `from` to `to`, both included. */
export function aBatch(from: number, to: number, chain: ExportedChain = 'requests'): AuditBatch {
  const records = Array.from({ length: to - from + 1 }, (_, at) => aRecord(from + at, chain));
  return { chain, records };
}

/** The lines that a sink of lines should hold for a batch. */
export function toLines({ records }: AuditBatch): string {
  return records.map(({ line }) => `${line}\n`).join('');
}
