import { join } from 'node:path';
import { nextHash } from '../../src/audit/chain.ts';
import { hashPurgedRanges } from '../../src/audit/purged-range.ts';
import { ATTEMPTS_TEXT_SQL, REQUEST_TEXT_SQL } from '../../src/audit/request-text.ts';
import type { SigningKey } from '../../src/audit/signed-note.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { openAuditTrail, readPurgedRanges } from '../../src/store/audit-events.ts';
import type { AuditTrail, Checkpoint } from '../../src/store/audit-trail.ts';
import { createCheckpointer } from '../../src/store/checkpointer.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { AttemptRow, FinishedRow } from '../../src/store/rows.ts';
import type { Database } from '../../src/store/sqlite.ts';
import {
  type AuditVerification,
  type VerifyOrder,
  verifyAudit,
} from '../../src/store/verify-audit.ts';
import { openForVerification } from '../../src/store/verify-open.ts';
import { survey } from '../../src/store/verify-survey.ts';
import { openChainWalker } from '../../src/store/verify-walk.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { aFinishedRow, aPrice } from './request-rows.ts';
import { someSigningKey } from './some-signing-key.ts';
import { tempDir } from './temp-store.ts';

/** Books with requests of every kind and events, and a connection to tamper with them. */
export interface AuditLab {
  readonly dataDir: string;
  readonly path: string;
  /** Nothing here knows of chains: what is written over it is tampering. */
  readonly db: Database;
  readonly audit: AuditTrail;
  readonly clock: FakeClock;
  readonly key: SigningKey;
  addRequests(count: number): void;
  addEvents(count: number): void;
  checkpoint(key?: SigningKey): Checkpoint;
  /** As retention does it: rows, range, receipts. */
  purge(chain: 'requests' | 'admin_events', fromSeq: number, toSeq: number): void;
  verify(order?: Partial<VerifyOrder>): Promise<AuditVerification>;
  close(): void;
}

export function openAuditLab(): AuditLab {
  const dataDir = tempDir();
  const path = join(dataDir, 'llmgate.db');
  const db = openDatabase(dataDir, 'process');
  const clock = createFakeClock();
  const audit = openAuditTrail(db);
  const key = someSigningKey(audit.installId);
  const writer = openLedgerWriter(db);
  return {
    dataDir,
    path,
    db,
    audit,
    clock,
    key,
    addRequests(count) {
      const firstSeq = audit.heads().requests.seq + 1;
      writer.begin();
      for (let at = 0; at < count; at += 1) {
        clock.advance(1_000);
        writer.settle(aVariedRow(firstSeq + at, clock.nowMs()), someAttempts(firstSeq + at));
      }
      writer.commit();
    },
    addEvents(count) {
      for (let at = 0; at < count; at += 1) audit.record(anEvent(at, clock.nowMs()));
    },
    checkpoint: (signer = key) => createCheckpointer({ audit, clock, key: signer }).take(),
    purge: (chain, fromSeq, toSeq) => purge(db, audit, { chain, fromSeq, toSeq }),
    verify: (order = {}) =>
      verifyAudit(
        {
          databasePath: path,
          notes: [],
          pinnedKey: null,
          ownKey: null,
          sinceCheckpoint: false,
          threads: 1,
          ...order,
        },
        openLocalThread,
      ),
    close: () => db.close(),
  };
}

/** A verification in the test's own thread. */
export async function openLocalThread(databasePath: string) {
  const db = openForVerification(databasePath);
  const walker = openChainWalker(db);
  return {
    survey: async (order: Parameters<typeof survey>[1]) => survey(db, order),
    walk: async (order: Parameters<typeof walker.walk>[0]) => walker.walk(order),
    close: () => void db.close(),
  };
}

/** Every row again as the program would have written it from row `fromSeq` on. */
export function forgeChain(db: Database, fromSeq: number): void {
  const rows = db.prepare<[number, number], [number, string, string]>(REQUEST_TEXT_SQL).raw();
  const attempts = db.prepare<[number, number], [number, string]>(ATTEMPTS_TEXT_SQL).raw();
  const endings = new Map(attempts.all(0, 1e9));
  const update = db.prepare('UPDATE requests SET hash = unhex(?) WHERE seq = ?');
  let previous = String(
    db
      .prepare('SELECT lower(hex(hash)) FROM requests WHERE seq = ?')
      .pluck()
      .get(fromSeq - 1),
  );
  for (const [seq, text] of rows.all(fromSeq - 1, 1e9)) {
    previous = nextHash(previous, text + (endings.get(seq) ?? ''));
    update.run(previous, seq);
  }
}

const PRICE = aPrice({ input: 150_000, output: 600_000, tiers: [] });

/** Rows that differ in everything a row can differ in. */
function aVariedRow(seq: number, startedAtMs: number): FinishedRow {
  const isPriced = seq % 4 !== 0;
  const isRefused = seq % 5 === 0;
  return aFinishedRow({
    keyId: `K0000000000${seq % 3}`,
    user: seq % 3 === 0 ? null : `user "${seq % 3}"\n`,
    team: seq % 2 === 0 ? 'search' : null,
    tags: seq % 3 === 1 ? { project: 'é', env: 'prod' } : {},
    startedAtMs,
    finishedAtMs: startedAtMs + 250,
    streamed: seq % 2 === 0,
    ttftMs: isRefused ? null : 12.5,
    backend: isRefused ? null : `gpu${seq % 2}`,
    outcome: isRefused ? 'refused' : 'served',
    code: isRefused ? 'rate_limit_exceeded' : null,
    status: isRefused ? 429 : 200,
    usage: { ...NO_USAGE, inputTokens: 100 + seq, cachedInputTokens: 5, outputTokens: seq },
    price: isPriced ? PRICE : null,
    costNanoUsd: isPriced ? nanoUsd(1_000 + seq) : null,
    attempts: seq % 7 === 0 ? 2 : 1,
    gpuUs: seq * 3,
    contentRef: seq % 6 === 0 ? new Uint8Array(32).fill(seq) : null,
  });
}

function someAttempts(seq: number): AttemptRow[] {
  if (seq % 7 !== 0) return [];
  const attempt = { startedAtMs: 1_763_600_000_000, durationMs: 12 };
  return [
    { ...attempt, attempt: 1, backend: 'flaky', code: 'backend_error', status: 500 },
    { ...attempt, attempt: 2, backend: 'gpu1', code: null, status: 200 },
  ];
}

function anEvent(at: number, atMs: number) {
  return {
    atMs,
    actor: 'alice@gpu-box',
    origin: 'admin socket',
    action: 'key.update',
    target: 'K00000000001',
    before: at % 3 === 0 ? null : { requests_per_minute: 60 },
    after: { requests_per_minute: 60 + at, note: 'a "quoted"\nline' },
  };
}

interface Purge {
  readonly chain: 'requests' | 'admin_events';
  readonly fromSeq: number;
  readonly toSeq: number;
}

function purge(db: Database, audit: AuditTrail, { chain, fromSeq, toSeq }: Purge): void {
  const facts = { chain, from_seq: fromSeq, to_seq: toSeq };
  const tell = (action: string) =>
    audit.record({
      atMs: 1,
      actor: 'gateway',
      origin: 'gateway',
      action,
      target: '',
      before: null,
      after: { ...facts, ranges_sha256: hashPurgedRanges(readPurgedRanges(db)) },
    });
  const hashOf = (seq: number) =>
    seq === 0
      ? Buffer.alloc(32)
      : (db.prepare(`SELECT hash FROM ${chain} WHERE seq = ?`).pluck().get(seq) ??
        db
          .prepare('SELECT last_hash FROM purged_ranges WHERE chain = ? AND to_seq = ?')
          .pluck()
          .get(chain, seq));
  tell('purge.start');
  db.prepare('INSERT INTO purged_ranges VALUES (?, ?, ?, ?, ?, ?, ?)').run(
    chain,
    fromSeq,
    toSeq,
    hashOf(fromSeq - 1),
    hashOf(toSeq),
    toSeq - fromSeq + 1,
    '{"cost_nano_usd":"1"}',
  );
  db.prepare(`DELETE FROM ${chain} WHERE seq BETWEEN ? AND ?`).run(fromSeq, toSeq);
  if (chain === 'requests') {
    db.prepare('DELETE FROM attempts WHERE request_seq BETWEEN ? AND ?').run(fromSeq, toSeq);
  }
  tell('purge.done');
}
