import type { RandomBytes } from '../../core/clock.ts';
import type { Database } from '../sqlite.ts';
import type { StoreLog } from '../store-event.ts';
import { openContentDatabase, truncateLog } from './content-database.ts';
import type {
  CapturedContent,
  ContentQuestion,
  DeskOptions,
  ErasedContent,
  FoundContent,
  OwnedDataKey,
  SubjectScope,
} from './content-message.ts';
import { DataKeys, SCOPE_COLUMNS } from './data-keys.ts';
import {
  type ContentRow,
  fromRequestId,
  openContent,
  type SealedContent,
  sealContent,
} from './sealed-content.ts';

/** Data keys in one answer. */
const PAGE_SIZE = 500;

/** Requests removed in one transaction: deleting overwrites, so it costs as much as writing. */
const BATCH_SIZE = 64;

const PROBE_BYTES = 64 * 1024;

export interface DeskParts {
  readonly random: RandomBytes;
  readonly log: StoreLog;
}

/** The content database behind names, on whichever thread opened it. Everything is synchronous. */
export class ContentDesk {
  readonly #db: Database;
  readonly #random: RandomBytes;
  readonly #dataKeys: DataKeys;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #log: StoreLog;
  #rewrappedUpTo: number | null = 0;

  /** Throws a StoreError when the file is not to be trusted. */
  constructor({ path, durability, contentKeys }: DeskOptions, { random, log }: DeskParts) {
    this.#log = log;
    this.#db = openContentDatabase(path, durability);
    this.#random = random;
    this.#dataKeys = new DataKeys({ db: this.#db, contentKeys, random });
    this.#sql = prepare(this.#db);
  }

  /** One question but `keep`, which is for `keepAll`. */
  answer(question: Exclude<ContentQuestion, { readonly op: 'keep' }>): unknown {
    switch (question.op) {
      case 'forget':
        return this.#sql.remove.run(fromRequestId(question.requestId)).changes;
      case 'find':
        return this.#find(question.requestId);
      case 'probe':
        return this.#probe();
      case 'owned':
        return this.#owned(question.scope, question.subject, question.afterId);
      case 'count':
        return this.#count(question.scope, question.subject);
      case 'erase':
        return this.#erase(question.scope, question.subject);
      case 'expired':
        return this.#sql.expired.all(question.afterId, question.beforeMs, PAGE_SIZE);
      case 'purge':
        return this.#purge(question.dataKeyId, question.beforeMs);
      case 'truncate':
        return truncateLog(this.#db);
      case 'old_keys':
        return this.#dataKeys.countOld();
    }
  }

  /**
   * Seals and writes content in one commit. The answers are in the order of what was given: the
   * reference, or what made this one impossible to keep.
   */
  keepAll(contents: readonly CapturedContent[]): (Uint8Array | Error)[] {
    const sealed = contents.map((content) => attempt(() => this.#seal(content)));
    try {
      this.#insert(sealed.filter((one): one is SealedContent => !(one instanceof Error)));
    } catch {
      // Together they failed; those that are not at fault must not suffer for the others.
      return sealed.map((one) => (one instanceof Error ? one : attempt(() => this.#insert([one]))));
    }
    return sealed.map((one) => (one instanceof Error ? one : one.reference));
  }

  /** A little of what need not happen at once. False when nothing is left to do. */
  tidyStep(): boolean {
    if (this.#removeErased()) return true;
    if (this.#rewrappedUpTo === null) return false;
    const upTo = this.#dataKeys.rewrapStep(this.#rewrappedUpTo);
    if (upTo === null && this.#rewrappedUpTo > 0) this.#endRewrapping();
    this.#rewrappedUpTo = upTo;
    return upTo !== null;
  }

  close(): void {
    this.#dataKeys.forget();
    this.#db.close();
  }

  #endRewrapping(): void {
    // The log still holds the keys as they were wrapped before.
    truncateLog(this.#db);
    const locked = this.#dataKeys.countOld();
    const message =
      locked === 0
        ? 'Every data key of captured content is wrapped with the first content key.'
        : `${locked} data keys are wrapped with content keys that are not configured.`;
    const level = locked === 0 ? 'info' : 'warn';
    this.#log({ level, event: 'content_keys_rewrapped', message });
  }

  #seal(content: CapturedContent): SealedContent {
    const dataKey = this.#dataKeys.forOwner(content.owner, content.atMs);
    return sealContent(content, dataKey, this.#random);
  }

  #insert(sealed: readonly SealedContent[]): Uint8Array {
    const insertAll = this.#db.transaction(() => {
      for (const { row } of sealed) this.#sql.insert.run(row);
    });
    insertAll.immediate();
    return sealed[0]?.reference ?? NO_BYTES;
  }

  #find(requestId: string): FoundContent {
    const row = this.#sql.find.get(fromRequestId(requestId));
    if (row === undefined) return { kind: 'none' };
    const key = this.#dataKeys.open(row.data_key);
    if (key === 'erased') return { kind: 'erased' };
    if ('contentKeyId' in key) return { kind: 'locked', contentKeyId: key.contentKeyId };
    const opened = openContent(row, key);
    const owner = this.#sql.owner.get(row.data_key);
    if (opened === null || owner === undefined) return { kind: 'damaged' };
    const { keyId, user, team, tenant } = owner;
    return {
      kind: 'found',
      owner: { keyId, user, team, tenant },
      mode: row.mode,
      atMs: row.at_ms,
      ...opened,
    };
  }

  #owned(scope: SubjectScope, subject: string, afterId: number): OwnedDataKey[] {
    return this.#sql.owned[scope].all(subject, afterId, PAGE_SIZE);
  }

  #count(scope: SubjectScope, subject: string): ErasedContent {
    const { countKeys, countOwned } = this.#sql;
    return {
      dataKeys: countKeys[scope].get(subject) ?? 0,
      requests: countOwned[scope].get(subject) ?? 0,
    };
  }

  /** When this returns no copy of the keys is left in the database or its log. */
  #erase(scope: SubjectScope, subject: string): ErasedContent {
    const erase = this.#db.transaction((): ErasedContent => {
      const counted = this.#count(scope, subject);
      this.#sql.markErased[scope].run(subject);
      this.#sql.removeKeys[scope].run(subject);
      return counted;
    });
    const erased = erase.immediate();
    this.#dataKeys.forget();
    truncateLog(this.#db);
    return erased;
  }

  #removeErased(): boolean {
    const { nextErased, removeOf, doneErased } = this.#sql;
    const dataKey = nextErased.get();
    if (dataKey === undefined) return false;
    const step = this.#db.transaction(() => {
      const removed = removeOf.run(dataKey, Number.MAX_SAFE_INTEGER, BATCH_SIZE).changes;
      if (removed < BATCH_SIZE) doneErased.run(dataKey);
    });
    step.immediate();
    return true;
  }

  #purge(dataKeyId: number, beforeMs: number): number {
    const { removeOf, removeKey } = this.#sql;
    const step = this.#db.transaction(() => {
      const removed = removeOf.run(dataKeyId, beforeMs, BATCH_SIZE).changes;
      // A key that locks nothing is of no more use; one that is still given out is in its first week.
      if (removed < BATCH_SIZE && removeKey.run(dataKeyId, beforeMs, dataKeyId).changes > 0) {
        this.#dataKeys.forget();
      }
      return removed;
    });
    return step.immediate();
  }

  #probe(): void {
    this.#db.prepare('INSERT OR REPLACE INTO probes VALUES (1, zeroblob(?))').run(PROBE_BYTES);
    this.#db.exec('DELETE FROM probes');
  }
}

const NO_BYTES = new Uint8Array(0);

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
}

/** The same statement for every scope. */
function forScopes<T>(make: (column: string) => T): Readonly<Record<SubjectScope, T>> {
  return {
    key: make(SCOPE_COLUMNS.key),
    user: make(SCOPE_COLUMNS.user),
    team: make(SCOPE_COLUMNS.team),
    tenant: make(SCOPE_COLUMNS.tenant),
  };
}

function prepare(db: Database) {
  const owner = 'id, key_id AS keyId, user, team, tenant';
  return {
    insert: db.prepare<[ContentRow]>(
      `INSERT INTO contents VALUES (@id, @data_key, @mode, @at_ms, @request_bytes,
         @request_truncated, @answer_bytes, @answer_truncated, @salt, @request, @answer)`,
    ),
    remove: db.prepare<[Uint8Array]>('DELETE FROM contents WHERE id = ?'),
    find: db.prepare<[Uint8Array], ContentRow>('SELECT * FROM contents WHERE id = ?'),
    owner: db.prepare<[number], OwnedDataKey>(`SELECT ${owner} FROM data_keys WHERE id = ?`),
    owned: forScopes((column) =>
      db.prepare<[string, number, number], OwnedDataKey>(
        `SELECT ${owner} FROM data_keys WHERE ${column} = ? AND id > ? ORDER BY id LIMIT ?`,
      ),
    ),
    countKeys: forScopes((column) =>
      db.prepare<[string], number>(`SELECT count(*) FROM data_keys WHERE ${column} = ?`).pluck(),
    ),
    countOwned: forScopes((column) =>
      db
        .prepare<[string], number>(
          `SELECT count(*) FROM contents
           WHERE data_key IN (SELECT id FROM data_keys WHERE ${column} = ?)`,
        )
        .pluck(),
    ),
    markErased: forScopes((column) =>
      db.prepare<[string]>(`INSERT INTO erased_keys SELECT id FROM data_keys WHERE ${column} = ?`),
    ),
    removeKeys: forScopes((column) =>
      db.prepare<[string]>(`DELETE FROM data_keys WHERE ${column} = ?`),
    ),
    nextErased: db.prepare<[], number>('SELECT data_key FROM erased_keys LIMIT 1').pluck(),
    doneErased: db.prepare<[number]>('DELETE FROM erased_keys WHERE data_key = ?'),
    removeOf: db.prepare<[number, number, number]>(
      `DELETE FROM contents WHERE rowid IN
         (SELECT rowid FROM contents WHERE data_key = ? AND at_ms < ? LIMIT ?)`,
    ),
    removeKey: db.prepare<[number, number, number]>(
      `DELETE FROM data_keys WHERE id = ? AND created_at_ms < ?
         AND NOT EXISTS (SELECT 1 FROM contents WHERE data_key = ?)`,
    ),
    expired: db.prepare<[number, number, number], OwnedDataKey>(
      `SELECT ${owner} FROM data_keys AS k WHERE id > ? AND EXISTS
         (SELECT 1 FROM contents WHERE data_key = k.id AND at_ms < ?) ORDER BY id LIMIT ?`,
    ),
  };
}
