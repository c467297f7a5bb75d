import {
  CONTENT_MODES,
  type Key,
  type KeyLimits,
  type KeySecret,
  type KeyStatus,
} from '../core/key.ts';
import { RecordReader, RecordWriter } from './record-bytes.ts';
import { type FoundRecord, LARGEST_RECORD } from './record-table.ts';
import { SharedValues } from './shared-values.ts';

const DIGEST_BYTES = 32;
const STATUSES: readonly KeyStatus[] = ['active', 'suspended', 'revoked'];

/** Bits of the flags: two of the status, two of the content mode, then these. */
const STATUS_BITS = 3;
const CONTENT_SHIFT = 2;
const NO_CONTENT_MODE = 3;
const HAS_USER = 1 << 4;
const EXPIRES = 1 << 5;

/** 0 stands for null, 1 for JSON that follows; from here on they are numbers of shared values. */
const FIRST_NUMBER = 2;

/**
 * Keys as records of about ninety bytes, to be kept by the million. What many
 * keys have in common (owners, lists, limits, tags) is a number in the record; keys that are read
 * from records have the same object for each of those. Records are of use only to what wrote them.
 */
export class KeyRecords {
  readonly #owners = new SharedValues<string>((text) => text);
  readonly #lists = new SharedValues<readonly string[]>((list) => JSON.stringify(list));
  readonly #limits = new SharedValues<KeyLimits>(renderLimits);
  readonly #tags = new SharedValues<Key['tags']>((tags) => JSON.stringify(tags));
  readonly #writer = new RecordWriter();
  readonly #reader = new RecordReader();

  /**
   * The record of a key without its id, good until the next call. Undefined for a key with times,
   * digests or names that no record can hold.
   */
  encode(key: Key): Buffer | undefined {
    if (!isEncodable(key)) return undefined;
    const writer = this.#writer;
    writer.begin();
    const content = key.content === null ? NO_CONTENT_MODE : CONTENT_MODES.indexOf(key.content);
    writer.byte(
      STATUSES.indexOf(key.status) |
        (content << CONTENT_SHIFT) |
        (key.user === null ? 0 : HAS_USER) |
        (key.expiresAtMs === null ? 0 : EXPIRES),
    );
    writer.number(key.createdAtMs);
    if (key.expiresAtMs !== null) writer.number(key.expiresAtMs);
    writer.text(key.name);
    if (key.user !== null) writer.text(key.user);
    this.#write(this.#owners, key.team);
    this.#write(this.#owners, key.tenant);
    this.#write(this.#lists, key.models);
    this.#write(this.#lists, key.endpoints);
    this.#write(this.#limits, key.limits);
    this.#write(this.#tags, key.tags);
    writer.byte(key.secrets.length);
    for (const secret of key.secrets) this.#writeSecret(secret, key.createdAtMs);
    const record = writer.end();
    return record.length > LARGEST_RECORD ? undefined : record;
  }

  decode(id: string, { bytes, at }: FoundRecord): Key {
    const reader = this.#reader;
    reader.begin(bytes, at);
    const flags = reader.byte();
    const createdAtMs = reader.number();
    const expiresAtMs = (flags & EXPIRES) === 0 ? null : reader.number();
    const name = reader.text();
    const user = (flags & HAS_USER) === 0 ? null : reader.text();
    const team = this.#read(this.#owners);
    const tenant = this.#read(this.#owners);
    const models = this.#read(this.#lists);
    // Written from a list of endpoints, as every list in this place is.
    const endpoints = this.#read(this.#lists) as Key['endpoints'];
    const limits = this.#read(this.#limits) ?? NO_LIMITS;
    const tags = this.#read(this.#tags) ?? NO_TAGS;
    const secrets: KeySecret[] = [];
    for (let left = reader.byte(); left > 0; left -= 1) secrets.push(this.#readSecret(createdAtMs));
    return {
      id,
      name,
      user,
      team,
      tenant,
      status: STATUSES[flags & STATUS_BITS] ?? 'revoked',
      createdAtMs,
      expiresAtMs,
      secrets,
      models,
      endpoints,
      limits,
      tags,
      content: CONTENT_MODES[(flags >>> CONTENT_SHIFT) & NO_CONTENT_MODE] ?? null,
    };
  }

  #write<Value>(values: SharedValues<Value>, value: Value | null): void {
    if (value === null) return this.#writer.byte(0);
    const number = values.numberOf(value);
    if (number !== undefined) return this.#writer.number(number + FIRST_NUMBER);
    this.#writer.byte(1);
    this.#writer.text(JSON.stringify(value));
  }

  #read<Value>(values: SharedValues<Value>): Value | null {
    const number = this.#reader.number();
    if (number >= FIRST_NUMBER) return values.valueOf(number - FIRST_NUMBER);
    return number === 0 ? null : (JSON.parse(this.#reader.text()) as Value);
  }

  /** Most secrets are as old as their key, which is 0 here. */
  #writeSecret({ digest, createdAtMs, expiresAtMs }: KeySecret, keyCreatedAtMs: number): void {
    this.#writer.raw(digest);
    this.#writer.number(createdAtMs === keyCreatedAtMs ? 0 : createdAtMs + 1);
    this.#writer.number(expiresAtMs === null ? 0 : expiresAtMs + 1);
  }

  #readSecret(keyCreatedAtMs: number): KeySecret {
    const digest = this.#reader.raw(DIGEST_BYTES);
    const created = this.#reader.number();
    const expires = this.#reader.number();
    return {
      digest,
      createdAtMs: created === 0 ? keyCreatedAtMs : created - 1,
      expiresAtMs: expires === 0 ? null : expires - 1,
    };
  }
}

const NO_TAGS: Key['tags'] = Object.freeze({});

/** Whether every number is one that a record can hold. Texts and lists always are. */
function isEncodable({ createdAtMs, expiresAtMs, secrets }: Key): boolean {
  if (!isCount(createdAtMs) || !isCount(expiresAtMs ?? 0) || secrets.length > 255) return false;
  for (const secret of secrets) {
    if (secret.digest.length !== DIGEST_BYTES) return false;
    if (!isCount(secret.createdAtMs) || !isCount(secret.expiresAtMs ?? 0)) return false;
  }
  return true;
}

/** With room for one more. */
function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < Number.MAX_SAFE_INTEGER;
}

/** By hand, because it is made for every key of a start. */
function renderLimits(limits: KeyLimits): string {
  const { requestsPerMinute, tokensPerMinute, concurrency, budget, tokenBudget } = limits;
  const rates = `${requestsPerMinute} ${tokensPerMinute} ${concurrency} ${limits.maxOutputTokens}`;
  if (budget === null && tokenBudget === null) return rates;
  return `${rates} ${budget?.nanoUsd} ${budget?.window} ${tokenBudget?.tokens} ${tokenBudget?.window}`;
}

const NO_LIMITS: KeyLimits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  budget: null,
  tokenBudget: null,
  maxOutputTokens: null,
};
