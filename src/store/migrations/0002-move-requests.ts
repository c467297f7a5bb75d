import { FIRST_PREVIOUS_HASH, nextHash } from '../../audit/chain.ts';
import { toRequestText } from '../../audit/request-text.ts';
import { assert } from '../../core/assert.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { Database, SqlValue } from '../sqlite.ts';

/** Rows read at once: a large ledger must not be in memory. */
const PAGE_ROWS = 5_000;

interface OldRequest {
  readonly seq: number;
  readonly id: Uint8Array;
  readonly id_hex: string;
  readonly dimension: number;
  readonly dimension_words: string;
  readonly ending: number;
  readonly ending_words: string;
  readonly started_at_ms: number;
  readonly duration_ms: number;
  readonly ttft_us: number | null;
  readonly backend_us: number | null;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly price: number;
  readonly price_text: string;
  readonly cost_nano_usd: number | null;
  readonly attempts: number;
  readonly attempts_text: string;
}

const SELECT_PAGE = `SELECT r.seq, r.id, lower(hex(r.id)) AS id_hex, d.id AS dimension,
    d.words AS dimension_words, x.id AS ending, x.words AS ending_words, r.started_at_ms,
    r.duration_ms, r.ttft_us, r.backend_us, r.input_tokens, r.cached_input_tokens,
    r.output_tokens, r.reasoning_tokens, r.price, coalesce(p.price, '') AS price_text,
    r.cost_nano_usd, r.attempts,
    iif(NOT EXISTS (SELECT 1 FROM attempts WHERE request_seq = r.seq), '', (
      SELECT json_group_array(json(words)) FROM (
        SELECT json_array(a.attempt, b.name, a.started_at_ms, a.duration_us, c.name, a.status)
          AS words
        FROM attempts a
        LEFT JOIN names b ON b.id = a.backend
        LEFT JOIN names c ON c.id = a.code
        WHERE a.request_seq = r.seq ORDER BY a.attempt
      )
    )) AS attempts_text
  FROM old_requests r
  JOIN dimensions d USING (key, user, team, tenant, tags, model, backend, endpoint)
  JOIN endings x USING (outcome, code, usage_source, estimated, streamed, status)
  LEFT JOIN prices p ON p.id = r.price
  WHERE r.seq > ? ORDER BY r.seq LIMIT ${PAGE_ROWS}`;

const INSERT = `INSERT INTO requests (seq, id, dimension, ending, started_at_ms, duration_ms,
    ttft_us, backend_us, input_tokens, cached_input_tokens, cache_write_tokens, audio_input_tokens,
    image_input_tokens, output_tokens, reasoning_tokens, audio_output_tokens, image_output_tokens,
    gpu_us, price, cost_nano_usd, attempts, content_ref, hash)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, 0, 0, 0, ?, ?, ?, NULL, unhex(?))`;

/** Copies every finished request with its number, and forges the chain from the first one on. */
export function moveRequests(db: Database): void {
  const selectPage = db.prepare<[number], OldRequest>(SELECT_PAGE);
  const insert = db.prepare<SqlValue[]>(INSERT);
  let hash = FIRST_PREVIOUS_HASH;
  let moved = 0;
  for (let page = selectPage.all(0); page.length > 0; ) {
    for (const row of page) {
      hash = nextHash(hash, textOf(row));
      insert.run(...columnsOf(row), hash);
    }
    moved += page.length;
    page = selectPage.all(page.at(-1)?.seq ?? 0);
  }
  const had = Number(db.prepare('SELECT count(*) FROM old_requests').pluck().get());
  assert(moved === had, `${had} finished requests were moved, not ${moved}`);
}

function columnsOf(row: OldRequest): SqlValue[] {
  return [
    row.seq,
    row.id,
    row.dimension,
    row.ending,
    row.started_at_ms,
    row.duration_ms,
    row.ttft_us,
    row.backend_us,
    row.input_tokens,
    row.cached_input_tokens,
    row.output_tokens,
    row.reasoning_tokens,
    row.price,
    row.cost_nano_usd,
    row.attempts,
  ];
}

function textOf(row: OldRequest): string {
  return toRequestText({
    seq: row.seq,
    idHex: row.id_hex,
    dimensionWords: row.dimension_words,
    endingWords: row.ending_words,
    startedAtMs: row.started_at_ms,
    durationMs: row.duration_ms,
    ttftUs: row.ttft_us,
    backendUs: row.backend_us,
    usage: {
      ...NO_USAGE,
      inputTokens: row.input_tokens,
      cachedInputTokens: row.cached_input_tokens,
      outputTokens: row.output_tokens,
      reasoningTokens: row.reasoning_tokens,
    },
    gpuUs: 0,
    price: row.price_text,
    costNanoUsd: row.cost_nano_usd,
    attempts: row.attempts,
    contentRefHex: '',
    attemptsText: row.attempts_text,
  });
}
