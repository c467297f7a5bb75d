import type { AuditAction } from '../audit/actions.ts';
import type { Clock } from '../core/clock.ts';
import type { ContentAccess, Erasure } from '../store/content/content-access.ts';
import type { FoundContent, KeptPart } from '../store/content/content-message.ts';
import type { Store } from '../store/store.ts';
import { StoreError } from '../store/store-error.ts';
import type { Actor } from './actor.ts';
import {
  type ContentPartView,
  type ContentView,
  EraseOrder,
  type EraseResult,
} from './content-schemas.ts';
import { OperationError } from './operation-error.ts';
import { parseInput } from './parse-input.ts';

/** What can be done with captured prompts and answers. Each leaves an event in the audit trail. */
export interface ContentOperations {
  /** Throws `not_found`, and `conflict` when what is there cannot be opened. */
  show(requestId: string): Promise<ContentView>;
  /** Throws `conflict` when a legal hold forbids it. Naming somebody unknown erases nothing. */
  erase(order: EraseOrder): Promise<EraseResult>;
}

export interface ContentOperationsParts {
  readonly store: Pick<Store, 'keys' | 'audit' | 'books' | 'legalHolds' | 'transact'>;
  readonly content: ContentAccess;
  readonly clock: Clock;
  readonly actor: () => Actor;
}

export function createContentOperations(parts: ContentOperationsParts): ContentOperations {
  return {
    show: (requestId) => showContent(parts, requestId),
    erase: (order) => eraseContent(parts, order),
  };
}

const REQUEST_ID = /^[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}$/i;

async function showContent(parts: ContentOperationsParts, ref: string): Promise<ContentView> {
  if (!REQUEST_ID.test(ref)) throw new OperationError('invalid', `"${ref}" is not a request id`);
  const requestId = toUuid(ref);
  const [found, inRow] = await Promise.all([
    parts.content.find(requestId),
    findReference(parts, requestId),
  ]);
  if (found.kind !== 'found') throw cannotShow(requestId, found, inRow);
  const { keyId: key, user, team, tenant } = found.owner;
  // Before it is shown: who cannot be put on record sees nothing.
  record(parts, 'content.read', requestId, { key, user, mode: found.mode });
  const reference = Buffer.from(found.reference).toString('hex');
  return {
    request_id: requestId,
    captured_at: new Date(found.atMs).toISOString(),
    mode: found.mode,
    ...{ key, user, team, tenant },
    content_ref: reference,
    content_ref_matches: inRow === undefined ? null : inRow === reference,
    request: toPartView(found.request),
    answer: toPartView(found.answer),
  };
}

/** What the row of a request says of its content; undefined when there is no such row. */
async function findReference(
  { store }: ContentOperationsParts,
  requestId: string,
): Promise<string | null | undefined> {
  const entry = await store.books.audit.entry({ requestId });
  if (entry === null) return undefined;
  const row: unknown = JSON.parse(entry.line);
  const isRow = typeof row === 'object' && row !== null && 'content_ref' in row;
  return isRow && typeof row.content_ref === 'string' ? row.content_ref : null;
}

function cannotShow(
  requestId: string,
  found: Exclude<FoundContent, { readonly kind: 'found' }>,
  inRow: string | null | undefined,
): OperationError {
  switch (found.kind) {
    case 'erased':
      return new OperationError('not_found', `the content of request ${requestId} was erased`);
    case 'locked':
      return new OperationError(
        'conflict',
        `the content of request ${requestId} is locked with content key ${found.contentKeyId}, which is neither audit.content_key nor among audit.previous_content_keys`,
      );
    case 'damaged':
      return new OperationError(
        'conflict',
        `the content of request ${requestId} is damaged, or it was changed`,
      );
    case 'none': {
      if (inRow === undefined) {
        return new OperationError('not_found', `there is no request ${requestId}`);
      }
      const what =
        inRow === null
          ? 'no content was captured of'
          : 'the content was erased, or it is past its retention, of';
      return new OperationError('not_found', `${what} request ${requestId}`);
    }
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toPartView({ bytes, sizeBytes, isTruncated }: KeptPart): ContentPartView {
  const facts = { bytes: sizeBytes, truncated: isTruncated };
  try {
    return { ...facts, encoding: 'utf8', content: UTF8.decode(bytes) };
  } catch {
    return { ...facts, encoding: 'base64', content: Buffer.from(bytes).toString('base64') };
  }
}

async function eraseContent(
  parts: ContentOperationsParts,
  input: EraseOrder,
): Promise<EraseResult> {
  const { scope, subject: named, dry_run } = parseInput(EraseOrder, input);
  const subject = scope === 'key' ? (parts.store.keys.find(named)?.id ?? named) : named;
  const target = `${scope}:${subject}`;
  const tell = (after: Readonly<Record<string, unknown>>) => {
    if (!dry_run) record(parts, 'content.erase', target, after);
  };
  // Two events, because what is destroyed cannot wait for what tells of it, nor the other way
  // round: without the second one the erasure is to be asked for again.
  tell({ state: 'asked' });
  const erase = dry_run ? parts.content.tryErase : parts.content.erase;
  // Also where nothing was captured yet: what is on record must not read like an erasure.
  const { findActive } = parts.store.legalHolds;
  const held = findActive('all', '') ?? findActive(scope, subject);
  const erasure: Erasure =
    held === undefined
      ? await erase(scope, subject).catch(incomplete)
      : { kind: 'held', scope: held.scope, subject: held.subject };
  if (erasure.kind === 'held') {
    const on = erasure.scope === 'all' ? 'everything' : `${erasure.scope} ${erasure.subject}`;
    const hold = parts.store.legalHolds.findActive(erasure.scope, erasure.subject)?.id ?? null;
    tell({ state: 'refused', held: on, hold });
    const name = hold === null ? 'a legal hold' : `legal hold ${hold}`;
    throw new OperationError('conflict', `nothing is erased: ${name} on ${on} forbids it`);
  }
  const { dataKeys, requests } = erasure;
  // Not by the word `data_keys`: what stands under it is masked in an event.
  tell({ state: 'done', destroyed: dataKeys, requests });
  return { scope, subject, dry_run, data_keys: dataKeys, requests };
}

function incomplete(cause: unknown): never {
  if (!(cause instanceof StoreError)) throw cause;
  const message = `the erasure is not complete, repeat it: ${cause.message}`;
  throw new OperationError('unavailable', message, { cause });
}

function record(
  { store, clock, actor }: ContentOperationsParts,
  action: AuditAction,
  target: string,
  after: Readonly<Record<string, unknown>>,
): void {
  store.audit.record({ atMs: clock.nowMs(), action, target, before: null, after, ...actor() });
}

function toUuid(ref: string): string {
  const hex = ref.replaceAll('-', '').toLowerCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
