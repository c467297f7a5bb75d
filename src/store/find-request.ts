import type { Price } from '../core/price.ts';
import type { Usage } from '../core/usage.ts';
import { fromPriceText } from './price-text.ts';
import type { Database } from './sqlite.ts';

/** A finished request as the books have it, words looked up. */
export interface FoundRequest {
  readonly seq: number;
  /** Hexadecimal, of the hash chain. */
  readonly hash: string;
  readonly id: string;
  readonly keyId: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly endpoint: string;
  /** Empty when none was found. */
  readonly model: string;
  readonly backend: string | null;
  readonly streamed: boolean;
  readonly outcome: string;
  readonly code: string | null;
  readonly status: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly ttftUs: number | null;
  readonly backendUs: number | null;
  readonly usage: Usage;
  readonly usageSource: string;
  readonly estimated: boolean;
  readonly gpuUs: number;
  readonly price: Price | null;
  readonly costNanoUsd: number | null;
  readonly attempts: number;
  /** Those that are rows of their own: all of them, or none when the only one served. */
  readonly attemptRows: readonly FoundAttempt[];
  readonly hasContent: boolean;
}

export interface FoundAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly backend: string;
  readonly startedAtMs: number;
  readonly durationUs: number;
  readonly code: string | null;
  readonly status: number | null;
}

/** What was found under the beginning of an id. */
export interface RequestSearch {
  /** Ids that begin so, at most `FOUND_IDS_MAX`. */
  readonly ids: readonly string[];
  /** The request when it is the only one. */
  readonly request: FoundRequest | null;
}

/** So many are shown to somebody whose beginning is too short. */
export const FOUND_IDS_MAX = 6;

export interface RequestFinder {
  /** `beginning`: hexadecimal without dashes, at most 32 digits. */
  find(beginning: string): RequestSearch;
}

const ID_DIGITS = 32;

interface Row {
  readonly seq: number;
  readonly hash: string;
  readonly id: string;
  readonly key: string | null;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly tags: string | null;
  readonly model: string | null;
  readonly backend: string | null;
  readonly endpoint: string | null;
  readonly streamed: number;
  readonly outcome: string;
  readonly code: string | null;
  readonly status: number;
  readonly started_at_ms: number;
  readonly duration_ms: number;
  readonly ttft_us: number | null;
  readonly backend_us: number | null;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_tokens: number;
  readonly audio_input_tokens: number;
  readonly image_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly audio_output_tokens: number;
  readonly image_output_tokens: number;
  readonly usage_source: string;
  readonly estimated: number;
  readonly gpu_us: number;
  readonly cost_nano_usd: number | null;
  readonly price: string | null;
  readonly attempts: number;
  readonly content_ref: string | null;
}

/** Looks along the index of ids, so however many rows there are, it reads a few. */
export function openRequestFinder(db: Database): RequestFinder {
  const selectIds = db.prepare<[string, string, number], { seq: number; id: string }>(
    `SELECT seq, lower(hex(id)) AS id FROM requests
       WHERE id BETWEEN unhex(?) AND unhex(?) ORDER BY id LIMIT ?`,
  );
  const selectRow = db.prepare<[number], Row>('SELECT * FROM request_log WHERE seq = ?');
  const selectAttempts = db.prepare<[number], FoundAttempt>(
    `SELECT a.attempt, coalesce(b.name, '') AS backend, a.started_at_ms AS startedAtMs,
       a.duration_us AS durationUs, c.name AS code, a.status
     FROM attempts a
     LEFT JOIN names b ON b.id = a.backend
     LEFT JOIN names c ON c.id = a.code
     WHERE a.request_seq = ? ORDER BY a.attempt`,
  );
  const read = (seq: number): FoundRequest | null => {
    const row = selectRow.get(seq);
    return row === undefined ? null : toRequest(row, selectAttempts.all(seq));
  };
  return {
    find: (beginning) =>
      db.transaction((): RequestSearch => {
        const low = beginning.padEnd(ID_DIGITS, '0');
        const high = beginning.padEnd(ID_DIGITS, 'f');
        const found = selectIds.all(low, high, FOUND_IDS_MAX);
        const [only] = found;
        return {
          ids: found.map(({ id }) => toUuid(id)),
          request: found.length === 1 && only !== undefined ? read(only.seq) : null,
        };
      })(),
  };
}

function toRequest(row: Row, attemptRows: readonly FoundAttempt[]): FoundRequest {
  return {
    seq: row.seq,
    hash: row.hash,
    id: toUuid(row.id),
    keyId: row.key ?? '',
    user: row.user,
    team: row.team,
    tenant: row.tenant,
    tags: row.tags === null ? {} : JSON.parse(row.tags),
    endpoint: row.endpoint ?? '',
    model: row.model ?? '',
    backend: row.backend,
    streamed: row.streamed === 1,
    outcome: row.outcome,
    code: row.code,
    status: row.status,
    startedAtMs: row.started_at_ms,
    durationMs: row.duration_ms,
    ttftUs: row.ttft_us,
    backendUs: row.backend_us,
    usage: {
      inputTokens: row.input_tokens,
      cachedInputTokens: row.cached_input_tokens,
      cacheWriteTokens: row.cache_write_tokens,
      audioInputTokens: row.audio_input_tokens,
      imageInputTokens: row.image_input_tokens,
      outputTokens: row.output_tokens,
      reasoningTokens: row.reasoning_tokens,
      audioOutputTokens: row.audio_output_tokens,
      imageOutputTokens: row.image_output_tokens,
    },
    usageSource: row.usage_source,
    estimated: row.estimated === 1,
    gpuUs: row.gpu_us,
    price: row.price === null ? null : fromPriceText(row.price),
    costNanoUsd: row.cost_nano_usd,
    attempts: row.attempts,
    attemptRows,
    hasContent: row.content_ref !== null,
  };
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
