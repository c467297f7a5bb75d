import type { RandomBytes } from '../../core/clock.ts';
import type { Database } from '../sqlite.ts';
import type { ContentOwner, SubjectScope } from './content-message.ts';
import { contentKeyIdOf, seal, unseal } from './seal.ts';

const KEY_BYTES = 32;

/**
 * A data key locks new content for so long. It bounds how often one key meets a random nonce (NIST
 * SP 800-38D allows 2^32), and keys of old content go when that does.
 */
const LIFE_MS = 7 * 24 * 3_600_000;

/** Past this many, the memory of unwrapped keys starts anew. */
const REMEMBERED_MAX = 10_000;

const REWRAPPED_PER_STEP = 200;

export interface DataKey {
  readonly id: number;
  readonly key: Uint8Array;
  readonly createdAtMs: number;
}

interface WrappedRow {
  readonly id: number;
  readonly key_id: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly created_at_ms: number;
  readonly content_key: Uint8Array;
  readonly wrapped: Uint8Array;
}

export interface DataKeyParts {
  readonly db: Database;
  readonly contentKeys: readonly Uint8Array[];
  readonly random: RandomBytes;
}

/** What `data_keys` calls each scope. */
export const SCOPE_COLUMNS: Readonly<Record<SubjectScope, string>> = {
  key: 'key_id',
  user: 'user',
  team: 'team',
  tenant: 'tenant',
};

/** The keys that lock content, each wrapped with a key from the configuration. */
export class DataKeys {
  readonly #parts: DataKeyParts;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #contentKeys: ReadonlyMap<string, Uint8Array>;
  /** Of the content key that wraps; empty when none is configured. */
  readonly #currentId: Buffer;
  readonly #remembered = new Map<string, DataKey>();

  constructor(parts: DataKeyParts) {
    const [current] = parts.contentKeys;
    this.#parts = parts;
    this.#sql = prepare(parts.db);
    this.#contentKeys = new Map(parts.contentKeys.map((key) => [contentKeyIdOf(key), key]));
    this.#currentId = Buffer.from(current === undefined ? '' : contentKeyIdOf(current), 'hex');
  }

  /** The key for new content of an owner; makes one when there is none that may be used. */
  forOwner(owner: ContentOwner, atMs: number): DataKey {
    const name = JSON.stringify([owner.keyId, owner.user, owner.team, owner.tenant]);
    const known = this.#remembered.get(name);
    if (known !== undefined && atMs - known.createdAtMs < LIFE_MS) return known;
    const dataKey = this.#findUsable(owner, atMs) ?? this.#create(owner, atMs);
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(name, dataKey);
    return dataKey;
  }

  /** `erased` when the row is gone, else the key, or the content key that is missing. */
  open(id: number): 'erased' | Uint8Array | { readonly contentKeyId: string } {
    const row = this.#sql.findById.get(id);
    if (row === undefined) return 'erased';
    return this.#unwrap(row) ?? { contentKeyId: toHex(row.content_key) };
  }

  /** For after keys were removed. */
  forget(): void {
    for (const { key } of this.#remembered.values()) key.fill(0);
    this.#remembered.clear();
  }

  /**
   * Wraps a few keys of older content keys anew, of those above `afterId`. Returns the last one
   * looked at; null at the end.
   */
  rewrapStep(afterId: number): number | null {
    if (this.#parts.contentKeys.length === 0) return null;
    const rows = this.#sql.findOld.all(this.#currentId, afterId, REWRAPPED_PER_STEP);
    const step = this.#parts.db.transaction(() => {
      for (const row of rows) {
        const key = this.#unwrap(row);
        if (key !== null) this.#sql.rewrap.run(this.#currentId, this.#wrap(key, row), row.id);
      }
    });
    step.immediate();
    return rows.at(-1)?.id ?? null;
  }

  /** How many are wrapped with content keys that are not the current one. */
  countOld(): number {
    return this.#sql.countOld.get(this.#currentId) ?? 0;
  }

  #findUsable(owner: ContentOwner, atMs: number): DataKey | undefined {
    const row = this.#sql.findNewest.get(owner.keyId, owner.user, owner.team, owner.tenant);
    if (row === undefined || atMs - row.created_at_ms >= LIFE_MS) return undefined;
    const key = this.#unwrap(row);
    return key === null ? undefined : { id: row.id, key, createdAtMs: row.created_at_ms };
  }

  #create({ keyId, user, team, tenant }: ContentOwner, atMs: number): DataKey {
    const key = this.#parts.random(KEY_BYTES);
    const wrapped = this.#wrap(key, { key_id: keyId, user, team, tenant, created_at_ms: atMs });
    const added = this.#sql.insert.run(keyId, user, team, tenant, atMs, this.#currentId, wrapped);
    return { id: Number(added.lastInsertRowid), key, createdAtMs: atMs };
  }

  #wrap(key: Uint8Array, context: WrappingContext): Buffer {
    const [current] = this.#parts.contentKeys;
    if (current === undefined) throw new Error('no content key is configured');
    return seal(current, key, contextOf(context), this.#parts.random);
  }

  #unwrap(row: WrappedRow): Uint8Array | null {
    const contentKey = this.#contentKeys.get(toHex(row.content_key));
    return contentKey === undefined ? null : unseal(contentKey, row.wrapped, contextOf(row));
  }
}

function prepare(db: Database) {
  return {
    findNewest: db.prepare<unknown[], WrappedRow>(
      `SELECT * FROM data_keys WHERE key_id = ? AND user IS ? AND team IS ? AND tenant IS ?
       ORDER BY id DESC LIMIT 1`,
    ),
    findById: db.prepare<[number], WrappedRow>('SELECT * FROM data_keys WHERE id = ?'),
    insert: db.prepare<unknown[]>(
      `INSERT INTO data_keys (key_id, user, team, tenant, created_at_ms, content_key, wrapped)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    findOld: db.prepare<[Uint8Array, number, number], WrappedRow>(
      'SELECT * FROM data_keys WHERE content_key <> ? AND id > ? ORDER BY id LIMIT ?',
    ),
    countOld: db
      .prepare<[Uint8Array], number>('SELECT count(*) FROM data_keys WHERE content_key <> ?')
      .pluck(),
    rewrap: db.prepare<[Uint8Array, Uint8Array, number]>(
      'UPDATE data_keys SET content_key = ?, wrapped = ? WHERE id = ?',
    ),
  };
}

type WrappingContext = Omit<WrappedRow, 'id' | 'content_key' | 'wrapped'>;

/** A wrapped key that is copied to the row of another owner does not open. */
function contextOf({ key_id, user, team, tenant, created_at_ms }: WrappingContext): string {
  return `llmgate data key 1\n${JSON.stringify([key_id, user, team, tenant, created_at_ms])}`;
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
