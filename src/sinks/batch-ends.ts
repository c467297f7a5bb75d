import type { AuditBatch, AuditRecord } from './record.ts';

/** The first and the last record of a batch, which is never empty. */
export function getBatchEnds({ records }: AuditBatch): {
  readonly first: AuditRecord;
  readonly last: AuditRecord;
} {
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined) throw new Error('a batch without records');
  return { first, last };
}
