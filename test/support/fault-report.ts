import { appendFileSync } from 'node:fs';

const FILE = process.env['LLMGATE_FAULT_REPORT'];

/** How much longer than in `scripts/test` the proofs are to run. */
export const PROOF_SCALE = Number(process.env['LLMGATE_FAULT_SCALE'] ?? '1');

/** Keeps what was seen for `scripts/prove-faults`, which makes a table of it; else does nothing. */
export function note(table: string, facts: Readonly<Record<string, unknown>>): void {
  if (FILE !== undefined) appendFileSync(FILE, `${JSON.stringify({ table, ...facts })}\n`);
}
