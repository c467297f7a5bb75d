import { isEndpoint } from '../core/call.ts';
import { GateError } from '../core/error.ts';
import {
  CONTENT_MODES,
  type ContentMode,
  type Key,
  type KeyLimits,
  type KeySecret,
  type KeyStatus,
  WINDOWS,
  type Window,
} from '../core/key.ts';
import { type Database, isBadRow, isUniqueViolation, type SqlValue } from './sqlite.ts';
import type { KeyStore } from './store.ts';

interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly status: string;
  readonly created_at_ms: number;
  readonly expires_at_ms: number | null;
  readonly models: string | null;
  readonly endpoints: string | null;
  readonly requests_per_minute: number | null;
  readonly tokens_per_minute: number | null;
  readonly concurrency: number | null;
  readonly budget_nano_usd: number | null;
  readonly budget_window: string | null;
  readonly budget_tokens: number | null;
  readonly budget_tokens_window: string | null;
  readonly max_output_tokens: number | null;
  readonly content: string | null;
  readonly tags: string;
}

interface SecretRow {
  readonly key_id: string;
  readonly digest: Uint8Array;
  readonly created_at_ms: number;
  readonly expires_at_ms: number | null;
}

/** A key and one of its secrets; a key with several has as many rows, one after the other. */
interface KeySecretRow extends KeyRow {
  /** null when the key has none. */
  readonly secret_digest: Uint8Array | null;
  readonly secret_created_at_ms: number;
  readonly secret_expires_at_ms: number | null;
}

const SECRET_COLUMNS = 'key_id, digest, created_at_ms, expires_at_ms';
/** The order of the index, so that nothing is sorted. */
const SECRET_ORDER = 'created_at_ms, expires_at_ms, digest';

/**
 * Keys of this data directory. A name belongs to one key that is not revoked; a revoked key gives
 * its name back, so `find` prefers the live one and then the newest. Writes commit at once and
 * throw `store_unavailable` when the store cannot be written.
 */
export function openKeys(db: Database): KeyStore {
  const selectPage = db.prepare<[string, number], KeySecretRow>(
    `SELECT k.*, s.digest AS secret_digest, s.created_at_ms AS secret_created_at_ms,
       s.expires_at_ms AS secret_expires_at_ms
     FROM (SELECT * FROM keys WHERE id > ? ORDER BY id LIMIT ?) k
     LEFT JOIN key_secrets s ON s.key_id = k.id
     ORDER BY k.id, s.created_at_ms, s.expires_at_ms, s.digest`,
  );
  const selectById = db.prepare<[string], KeyRow>('SELECT * FROM keys WHERE id = ?');
  const selectByName = db.prepare<[string], KeyRow>(
    `SELECT * FROM keys WHERE name = ?
     ORDER BY status = 'revoked', created_at_ms DESC, id DESC LIMIT 1`,
  );
  const selectSecretsOf = db.prepare<[string], SecretRow>(
    `SELECT ${SECRET_COLUMNS} FROM key_secrets WHERE key_id = ? ORDER BY ${SECRET_ORDER}`,
  );
  const insertKey = db.prepare<SqlValue[]>(
    `INSERT INTO keys (name, user, team, tenant, status, expires_at_ms, models, endpoints,
       requests_per_minute, tokens_per_minute, concurrency, budget_nano_usd, budget_window,
       budget_tokens, budget_tokens_window, max_output_tokens, content, tags, id, created_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const updateKey = db.prepare<SqlValue[]>(
    `UPDATE keys SET name = ?, user = ?, team = ?, tenant = ?, status = ?, expires_at_ms = ?,
       models = ?, endpoints = ?, requests_per_minute = ?, tokens_per_minute = ?, concurrency = ?,
       budget_nano_usd = ?, budget_window = ?, budget_tokens = ?, budget_tokens_window = ?,
       max_output_tokens = ?, content = ?, tags = ?
     WHERE id = ?`,
  );
  const insertSecret = db.prepare<SqlValue[]>(
    `INSERT INTO key_secrets (${SECRET_COLUMNS}) VALUES (?, ?, ?, ?)`,
  );
  const deleteSecrets = db.prepare<[string]>('DELETE FROM key_secrets WHERE key_id = ?');

  function writeSecrets(key: Key): void {
    for (const { digest, createdAtMs, expiresAtMs } of key.secrets) {
      insertSecret.run(key.id, digest, createdAtMs, expiresAtMs);
    }
  }

  const insert = db.transaction((key: Key) => {
    insertKey.run(...mutableColumns(key), key.id, key.createdAtMs);
    writeSecrets(key);
    return 'created' as const;
  });

  const update = db.transaction((key: Key) => {
    if (updateKey.run(...mutableColumns(key), key.id).changes === 0) return 'not_found' as const;
    deleteSecrets.run(key.id);
    writeSecrets(key);
    return 'updated' as const;
  });

  const parse = createSharedParse();

  return {
    find(idOrName) {
      const row = selectById.get(idOrName) ?? selectByName.get(idOrName);
      if (row === undefined) return undefined;
      return toKey(row, selectSecretsOf.all(row.id).map(toSecret), parse);
    },
    page: (afterId, limit) => toKeys(selectPage.all(afterId ?? '', limit), parse),
    insert: (key) => orNameTaken(() => insert.immediate(key)),
    update: (key) => orNameTaken(() => update.immediate(key)),
  };
}

function orNameTaken<T>(write: () => T): T | 'name_taken' {
  try {
    return write();
  } catch (cause) {
    // The live name is the only unique index besides primary keys.
    if (isUniqueViolation(cause)) return 'name_taken';
    if (isBadRow(cause)) throw cause;
    throw new GateError('store_unavailable', 'The key could not be written.', { cause });
  }
}

/** Puts the rows of each key together. */
function toKeys(rows: readonly KeySecretRow[], parse: SharedParse): Key[] {
  const keys: Key[] = [];
  let secrets: KeySecret[] = [];
  for (const [index, row] of rows.entries()) {
    if (row.secret_digest !== null) {
      secrets.push({
        digest: new Uint8Array(row.secret_digest),
        createdAtMs: row.secret_created_at_ms,
        expiresAtMs: row.secret_expires_at_ms,
      });
    }
    if (rows[index + 1]?.id === row.id) continue;
    keys.push(toKey(row, secrets, parse));
    secrets = [];
  }
  return keys;
}

/** In the order of the columns that both statements begin with. */
function mutableColumns(key: Key): SqlValue[] {
  return [
    key.name,
    key.user,
    key.team,
    key.tenant,
    key.status,
    key.expiresAtMs,
    key.models === null ? null : JSON.stringify(key.models),
    key.endpoints === null ? null : JSON.stringify(key.endpoints),
    key.limits.requestsPerMinute,
    key.limits.tokensPerMinute,
    key.limits.concurrency,
    key.limits.budget?.nanoUsd ?? null,
    key.limits.budget?.window ?? null,
    key.limits.tokenBudget?.tokens ?? null,
    key.limits.tokenBudget?.window ?? null,
    key.limits.maxOutputTokens,
    key.content,
    JSON.stringify(key.tags),
  ];
}

function toSecret(row: SecretRow): KeySecret {
  return {
    digest: new Uint8Array(row.digest),
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
  };
}

function toKey(row: KeyRow, secrets: readonly KeySecret[], parse: SharedParse): Key {
  return {
    id: row.id,
    name: row.name,
    user: row.user,
    team: row.team,
    tenant: row.tenant,
    status: toStatus(row.status),
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    secrets,
    models: row.models === null ? null : parse.texts(row.models),
    endpoints: row.endpoints === null ? null : parse.texts(row.endpoints).filter(isEndpoint),
    limits: toLimits(row),
    tags: parse.tags(row.tags),
    content: toContentMode(row.content),
  };
}

/** What most keys have: one object for all of them. */
const NO_LIMITS: KeyLimits = Object.freeze({
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  budget: null,
  tokenBudget: null,
  maxOutputTokens: null,
});

function toLimits(row: KeyRow): KeyLimits {
  const { budget_nano_usd: nanoUsd, budget_tokens: tokens } = row;
  if (
    row.requests_per_minute === null &&
    row.tokens_per_minute === null &&
    row.concurrency === null &&
    nanoUsd === null &&
    tokens === null &&
    row.max_output_tokens === null
  ) {
    return NO_LIMITS;
  }
  return {
    requestsPerMinute: row.requests_per_minute,
    tokensPerMinute: row.tokens_per_minute,
    concurrency: row.concurrency,
    budget: nanoUsd === null ? null : { nanoUsd, window: toWindow(row.budget_window) },
    tokenBudget: tokens === null ? null : { tokens, window: toWindow(row.budget_tokens_window) },
    maxOutputTokens: row.max_output_tokens,
  };
}

interface SharedParse {
  texts(json: string): readonly string[];
  tags(json: string): Readonly<Record<string, string>>;
}

/** Different lists or tags that are remembered before all are forgotten. */
const MOST_SHARED = 10_000;

/** A million keys have few different lists and tags: equal ones are one frozen object. */
function createSharedParse(): SharedParse {
  const texts = new Map<string, readonly string[]>();
  const tags = new Map<string, Readonly<Record<string, string>>>();
  return {
    texts: (json) => getOrAdd(texts, json, () => Object.freeze<string[]>(JSON.parse(json))),
    tags: (json) => getOrAdd(tags, json, () => Object.freeze(JSON.parse(json))),
  };
}

function getOrAdd<Value>(known: Map<string, Value>, name: string, make: () => Value): Value {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = make();
  if (known.size >= MOST_SHARED) known.clear();
  known.set(name, made);
  return made;
}

/** Whatever is not plainly active must not open the gate. */
function toStatus(status: string): KeyStatus {
  return status === 'active' || status === 'suspended' ? status : 'revoked';
}

/** The strictest reading of a window that this version does not know. */
function toWindow(window: string | null): Window {
  return WINDOWS.find((known) => known === window) ?? 'total';
}

/** Of a mode that this version does not know, nothing is kept. */
function toContentMode(mode: string | null): ContentMode | null {
  if (mode === null) return null;
  return CONTENT_MODES.find((known) => known === mode) ?? 'off';
}
