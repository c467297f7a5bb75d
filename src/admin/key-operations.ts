import { createKeyText, createSecret, digestSecret, renderKeyText } from '../access/key-format.ts';
import type { AuditAction } from '../audit/actions.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import type { Key, KeySecret } from '../core/key.ts';
import type { KeyStore, Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import { applyChanges, createBlankKey } from './key-changes.ts';
import { toAuditedKey, toKeyDifference } from './key-event.ts';
import type { IssuedKey, KeyPage, KeyView } from './key-schemas.ts';
import { KeyChanges, NewKey, PAGE_SIZE_MAX, Rotation } from './key-schemas.ts';
import { isExpired, toKeyView } from './key-view.ts';
import type { LiveGateway } from './live-gateway.ts';
import { OperationError } from './operation-error.ts';
import type { KeyOperations, KeyPageRequest } from './operations.ts';
import { parseInput } from './parse-input.ts';

/** Enough for overlapping rotations on several hosts, few enough to try each at every request. */
const LIVE_SECRETS_MAX = 5;

export interface KeyOperationsParts {
  readonly store: Pick<Store, 'keys' | 'audit' | 'transact'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly live: LiveGateway | null;
  /** Who asks for what is being done now. */
  readonly actor: () => Actor;
}

/**
 * The operations on keys. Each reads, decides and writes in one turn of the event loop, so two of
 * them never interleave, and each change is written with the event that tells of it or not at all.
 */
export function createKeyOperations(parts: KeyOperationsParts): KeyOperations {
  const { clock } = parts;
  const { keys } = parts.store;
  return {
    create: async (input) => createKey(parts, input),
    list: async (page) => listKeys(parts, page),
    show: async (ref) => toKeyView(getKey(keys, ref), clock.nowMs()),
    update: async (ref, changes) => updateKey(parts, ref, changes),
    rotate: async (ref, rotation) => rotateKey(parts, ref, rotation),
    suspend: async (ref) =>
      replaceKey(parts, 'key.suspend', getUnrevoked(keys, ref), { status: 'suspended' }),
    resume: async (ref) =>
      replaceKey(parts, 'key.resume', getUnrevoked(keys, ref), { status: 'active' }),
    revoke: async (ref) =>
      replaceKey(parts, 'key.revoke', getKey(keys, ref), { status: 'revoked', secrets: [] }),
  };
}

function createKey(parts: KeyOperationsParts, input: NewKey): IssuedKey {
  const { store, clock, random, live } = parts;
  const wishes = parseInput(NewKey, input);
  const nowMs = clock.nowMs();
  const { id, secret, text } = createKeyText(random);
  const blank = createBlankKey(id, wishes.name, nowMs);
  const key = { ...applyChanges(blank, wishes, nowMs), secrets: [freshSecret(secret, nowMs)] };
  if (isIdOfAnother(store.keys, key)) throw nameTaken(key.name);
  store.transact(() => {
    if (store.keys.insert(key) === 'name_taken') throw nameTaken(key.name);
    record(parts, 'key.create', id, { before: null, after: toAuditedKey(key) });
  });
  live?.keyChanged(key);
  return issue(toKeyView(key, nowMs), text);
}

function listKeys({ store, clock }: KeyOperationsParts, page: KeyPageRequest): KeyPage {
  const limit = Math.min(Math.max(page.limit, 1), PAGE_SIZE_MAX);
  const found = store.keys.page(page.after, limit);
  const nowMs = clock.nowMs();
  return {
    keys: found.map((key) => toKeyView(key, nowMs)),
    next: found.length < limit ? null : (found.at(-1)?.id ?? null),
  };
}

function updateKey(parts: KeyOperationsParts, ref: string, input: KeyChanges): KeyView {
  const changes = parseInput(KeyChanges, input);
  const key = getUnrevoked(parts.store.keys, ref);
  const changed = applyChanges(key, changes, parts.clock.nowMs());
  if (isIdOfAnother(parts.store.keys, changed)) throw nameTaken(changed.name);
  return replaceKey(parts, 'key.update', key, changed);
}

function rotateKey(parts: KeyOperationsParts, ref: string, input: Rotation): IssuedKey {
  const { overlap_seconds } = parseInput(Rotation, input);
  const key = getUnrevoked(parts.store.keys, ref);
  const nowMs = parts.clock.nowMs();
  if (isExpired(key, nowMs)) {
    throw new OperationError(
      'conflict',
      `key "${key.name}" has expired, so a new secret would be refused too: extend the key first`,
    );
  }
  const kept = endBy(key.secrets, nowMs + overlap_seconds * 1000, nowMs);
  if (kept.length >= LIVE_SECRETS_MAX) {
    throw new OperationError(
      'conflict',
      `key "${key.name}" has ${kept.length} live secrets, the most there can be: ` +
        'wait until one ends, or rotate with no overlap',
    );
  }
  const secret = createSecret(parts.random);
  const secrets = [...kept, freshSecret(secret, nowMs)];
  const view = replaceKey(parts, 'key.rotate', key, { secrets });
  return issue(view, renderKeyText(key.id, secret));
}

function replaceKey(
  parts: KeyOperationsParts,
  action: AuditAction,
  before: Key,
  change: Partial<Key>,
): KeyView {
  const { store, clock, live } = parts;
  const key = { ...before, ...change };
  store.transact(() => {
    const outcome = store.keys.update(key);
    if (outcome === 'name_taken') throw nameTaken(key.name);
    if (outcome === 'not_found') throw notFound(key.id);
    record(parts, action, key.id, toKeyDifference(before, key));
  });
  live?.keyChanged(key);
  return toKeyView(key, clock.nowMs());
}

function record(
  { store, clock, actor }: KeyOperationsParts,
  action: AuditAction,
  target: string,
  change: { readonly before: unknown; readonly after: unknown },
): void {
  store.audit.record({ atMs: clock.nowMs(), action, target, ...change, ...actor() });
}

function getKey(keys: KeyStore, ref: string): Key {
  const key = keys.find(ref);
  if (key === undefined) throw notFound(ref);
  return key;
}

function getUnrevoked(keys: KeyStore, ref: string): Key {
  const key = getKey(keys, ref);
  if (key.status !== 'revoked') return key;
  throw new OperationError('conflict', `key "${key.name}" is revoked, and that is final`);
}

/** An id wins over a name, so a key named like another's id could never be referred to. */
function isIdOfAnother(keys: KeyStore, { id, name }: Key): boolean {
  return name !== id && keys.find(name)?.id === name;
}

/** Only the digest of a secret is stored: the text exists in this answer alone. */
function issue({ id, ...rest }: KeyView, text: string): IssuedKey {
  return { id, key: text, ...rest };
}

/** The secrets that are still good now, none of them longer than `endMs`. */
function endBy(secrets: readonly KeySecret[], endMs: number, nowMs: number): KeySecret[] {
  return secrets
    .map((secret) => ({ ...secret, expiresAtMs: Math.min(secret.expiresAtMs ?? endMs, endMs) }))
    .filter((secret) => secret.expiresAtMs > nowMs);
}

function freshSecret(secret: string, nowMs: number): KeySecret {
  return { digest: digestSecret(secret), createdAtMs: nowMs, expiresAtMs: null };
}

function nameTaken(name: string): OperationError {
  return new OperationError('name_taken', `there is already a key named "${name}"`);
}

function notFound(ref: string): OperationError {
  return new OperationError('not_found', `no key has the id or name "${ref}"`);
}
