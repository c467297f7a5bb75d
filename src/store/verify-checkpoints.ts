import { type AuditFault, createFault } from '../audit/audit-fault.ts';
import type { ChainEnd, CheckpointStatement } from '../audit/checkpoint-text.ts';
import { judgeNote, type NoteKeys } from '../audit/judge-note.ts';
import { CHAINS, type ChainHeads, type ChainName } from './audit-trail.ts';
import type { Database } from './sqlite.ts';
import type { Survey } from './verify-message.ts';

interface CheckpointsToCheck {
  /** From elsewhere. */
  readonly notes: readonly string[];
  readonly keys: NoteKeys;
  readonly origin: string;
  readonly heads: ChainHeads;
}

type CheckedCheckpoints = Omit<Survey, 'heads'>;

interface Seen {
  readonly statement: CheckpointStatement;
  readonly isGiven: boolean;
}

/**
 * Holds every checkpoint, stored and given, against the chains as they are now: names the first
 * one that has been forged and, for each chain, the earliest that has seen another end of it.
 */
export function checkCheckpoints(db: Database, order: CheckpointsToCheck): CheckedCheckpoints {
  const faults: AuditFault[] = [];
  const seen: Seen[] = [];
  for (const [index, note] of order.notes.entries()) {
    const judged = judgeNote(note, order.origin, order.keys);
    if ('statement' in judged) seen.push({ statement: judged.statement, isGiven: true });
    else faults.push(forged(`the checkpoint given as number ${index + 1} ${judged.problem}`));
  }
  const stored = readStored(db, order);
  seen.push(...stored.seen);
  if (stored.fault !== null) faults.push(stored.fault);

  const chains = CHAINS.map((chain) => compareChain(db, chain, seen, order.heads));
  const [requests, adminEvents] = chains;
  return {
    faults: [...faults, ...chains.flatMap(({ fault }) => fault ?? [])],
    storedCheckpoints: stored.seen.length,
    givenCheckpoints: seen.length - stored.seen.length,
    uncheckable: Math.max(0, ...chains.map(({ uncheckable }) => uncheckable)),
    agreed: { requests: requests?.agreed ?? null, admin_events: adminEvents?.agreed ?? null },
  };
}

interface StoredRow {
  readonly at_ms: number;
  readonly note: string;
  readonly ends: string;
}

function readStored(
  db: Database,
  { keys, origin }: CheckpointsToCheck,
): { seen: Seen[]; fault: AuditFault | null } {
  const rows = db.prepare<[], StoredRow>(
    `SELECT at_ms, note, concat_ws(' ', requests_seq, lower(hex(requests_hash)), admin_seq,
       lower(hex(admin_hash))) AS ends
     FROM checkpoints ORDER BY at_ms`,
  );
  const seen: Seen[] = [];
  let fault: AuditFault | null = null;
  for (const row of rows.iterate()) {
    const judged = judgeNote(row.note, origin, keys);
    const problem = 'problem' in judged ? judged.problem : findDifference(row, judged.statement);
    if (problem !== null) {
      fault ??= forged(`the stored checkpoint of ${toIso(row.at_ms)} ${problem}`);
    } else if ('statement' in judged) {
      seen.push({ statement: judged.statement, isGiven: false });
    }
  }
  return { seen, fault };
}

/** The columns beside a note are what the program works with; the note is what was signed. */
function findDifference(row: StoredRow, statement: CheckpointStatement): string | null {
  const { atMs, requests, adminEvents } = statement;
  const ends = `${requests.seq} ${requests.hash} ${adminEvents.seq} ${adminEvents.hash}`;
  return row.at_ms === atMs && row.ends === ends ? null : 'was changed: it is not what was signed';
}

interface ComparedChain {
  readonly fault: AuditFault | null;
  readonly agreed: ChainEnd | null;
  readonly uncheckable: number;
}

function compareChain(
  db: Database,
  chain: ChainName,
  seen: readonly Seen[],
  heads: ChainHeads,
): ComparedChain {
  const findHash = db
    .prepare<[number, string, number], string>(
      `SELECT lower(hex(hash)) FROM ${chain} WHERE seq = ?
       UNION ALL
       SELECT lower(hex(last_hash)) FROM purged_ranges WHERE chain = ? AND to_seq = ?`,
    )
    .pluck();
  const head = heads[chain];
  let agreed: ChainEnd | null = null;
  let uncheckable = 0;
  const inOrder = seen.toSorted((a, b) => endOf(a, chain).seq - endOf(b, chain).seq);
  for (const one of inOrder) {
    const end = endOf(one, chain);
    if (end.seq > head.seq) return { fault: cutOff(chain, head.seq, one), agreed, uncheckable };
    const hash = end.seq === 0 ? end.hash : findHash.get(end.seq, chain, end.seq);
    if (hash === undefined) uncheckable += 1;
    else if (hash === end.hash) agreed = end;
    else return { fault: rewritten(chain, agreed, one), agreed, uncheckable };
  }
  return { fault: null, agreed, uncheckable };
}

function endOf({ statement }: Seen, chain: ChainName): ChainEnd {
  return chain === 'requests' ? statement.requests : statement.adminEvents;
}

function cutOff(chain: ChainName, lastSeq: number, one: Seen): AuditFault {
  const { seq } = endOf(one, chain);
  const message = `rows after ${lastSeq} were cut off: the ${describe(one)} saw ${seq} rows`;
  return createFault(chain, 'cut_off', { seq: lastSeq + 1, toSeq: seq }, message);
}

function rewritten(chain: ChainName, agreed: ChainEnd | null, one: Seen): AuditFault {
  const { seq } = endOf(one, chain);
  const from = (agreed?.seq ?? 0) + 1;
  const message = `the ${describe(one)} saw another row ${seq}: the chain was written anew from a row between ${from} and ${seq}`;
  return createFault(chain, 'rewritten', { seq: from, toSeq: seq }, message);
}

function describe({ statement, isGiven }: Seen): string {
  return `${isGiven ? 'given' : 'stored'} checkpoint of ${toIso(statement.atMs)}`;
}

function forged(message: string): AuditFault {
  return createFault('checkpoints', 'forged', {}, message);
}

function toIso(atMs: number): string {
  return new Date(atMs).toISOString();
}
