import { availableParallelism } from 'node:os';
import type { AuditAction } from '../audit/actions.ts';
import { parseVerifierKeys } from '../audit/signed-note.ts';
import type { Clock } from '../core/clock.ts';
import type { Checkpointer } from '../store/checkpointer.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import { AuditRow, type AuditVerificationView, VerifyAuditInput } from './audit-schemas.ts';
import { toVerificationView } from './audit-view.ts';
import type { LiveGateway } from './live-gateway.ts';
import { OperationError } from './operation-error.ts';
import type { AuditOperations, AuditPageRequest } from './operations.ts';
import { parseInput } from './parse-input.ts';

const PAGE_ROWS_MAX = 500;

/** More gain little: the disk and the memory bus are shared. */
const THREADS_MAX = 8;

/** The key of the checkpoints, loaded when it is needed. */
export interface AuditSigning {
  /** Throws StoreError when the key cannot be used. */
  checkpointer(): Checkpointer;
  /** What the gateway's own signatures are held against, blanks between; null without a key yet. */
  publicKeys(): string | null;
}

export interface AuditOperationsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly actor: () => Actor;
  readonly live: LiveGateway | null;
  readonly signing: AuditSigning;
}

export function createAuditOperations(parts: AuditOperationsParts): AuditOperations {
  const { store } = parts;
  let isVerifying = false;
  return {
    page: (request) => page(parts, request),
    async show(ref) {
      const entry = await store.books.audit.entry(ref);
      if (entry === null) throw new OperationError('not_found', 'there is no such row');
      const { line, previousHash, isIntact } = entry;
      return { row: toRow(line), previous_hash: previousHash, intact: isIntact };
    },
    async verify(input) {
      if (isVerifying) throw new OperationError('conflict', 'a verification is under way already');
      isVerifying = true;
      try {
        return await verify(parts, input);
      } finally {
        isVerifying = false;
      }
    },
    async checkpoint() {
      const checkpointer = parts.signing.checkpointer();
      record(parts, 'audit.checkpoint', null);
      const { atMs, heads, note } = checkpointer.take();
      return {
        time: new Date(atMs).toISOString(),
        requests_seq: heads.requests.seq,
        admin_events_seq: heads.admin_events.seq,
        note,
        public_key: checkpointer.publicKey,
      };
    },
    publicKey: async () => parts.signing.checkpointer().publicKey,
  };
}

async function page(parts: AuditOperationsParts, request: AuditPageRequest) {
  const { store } = parts;
  const { chain, since, until, key, action, order, after } = request;
  if (action !== null && chain === 'requests') {
    throw new OperationError(
      'invalid',
      'action: requests have none, only administrative events do',
    );
  }
  const isExport = request.purpose === 'export' && after === null;
  const recorded = !isExport || tryRecord(parts, 'audit.export', { chain, since, until });
  const found = await store.books.audit.page({
    chain,
    sinceMs: parseTime('since', since),
    untilMs: parseTime('until', until),
    keyId: key === null ? null : (store.keys.find(key)?.id ?? key),
    action,
    order,
    after,
    limit: Math.min(Math.max(request.limit, 1), PAGE_ROWS_MAX),
  });
  return { rows: found.lines.map(toRow), next: found.next, recorded };
}

async function verify(
  parts: AuditOperationsParts,
  input: VerifyAuditInput,
): Promise<AuditVerificationView> {
  const { store, clock, live, signing } = parts;
  const { checkpoints, public_key, since_checkpoint } = parseInput(VerifyAuditInput, input);
  const startedMs = clock.monotonicMs();
  const cores = availableParallelism();
  const found = await store.books.audit
    .verify({
      notes: checkpoints,
      pinnedKey: public_key === null ? null : checkKey(public_key),
      ownKey: signing.publicKeys(),
      sinceCheckpoint: since_checkpoint,
      // A gateway at work keeps half of the machine.
      threads: Math.min(live === null ? cores : Math.ceil(cores / 2), THREADS_MAX),
    })
    .catch((cause: unknown) => {
      throw new OperationError('unavailable', `the audit trail cannot be read: ${said(cause)}`, {
        cause,
      });
    });
  const view = toVerificationView(found, clock.monotonicMs() - startedMs);
  const { ok, faults, requests, admin_events } = view;
  const isRecorded = tryRecord(parts, 'audit.verify', {
    ...{ ok, faults, requests_seq: requests.last_seq, admin_events_seq: admin_events.last_seq },
    given_checkpoints: checkpoints.length,
  });
  if (isRecorded) return view;
  const unknown = 'That somebody has looked could not be written into the trail.';
  return { ...view, unknowns: [...view.unknowns, unknown] };
}

function checkKey(text: string): string {
  try {
    return parseVerifierKeys(text)
      .map((key) => key.text)
      .join(' ');
  } catch (cause) {
    throw new OperationError('invalid', `public_key: ${said(cause)}`);
  }
}

function record(
  { store, clock, actor }: AuditOperationsParts,
  action: AuditAction,
  after: unknown,
) {
  const atMs = clock.nowMs();
  store.audit.record({ atMs, action, target: '', before: null, after, ...actor() });
}

/** Looking is allowed when the disk is full; false then says that nobody will know of it. */
function tryRecord(parts: AuditOperationsParts, action: AuditAction, after: unknown): boolean {
  try {
    record(parts, action, after);
    return true;
  } catch {
    return false;
  }
}

function toRow(line: string): AuditRow {
  return AuditRow.parse(JSON.parse(line));
}

function parseTime(name: string, text: string | null): number | null {
  if (text === null) return null;
  const timeMs = Date.parse(text);
  if (Number.isFinite(timeMs)) return timeMs;
  throw new OperationError('invalid', `${name}: ${JSON.stringify(text)} is no RFC 3339 time`);
}

function said(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
