import type { Usage } from '../core/usage.ts';

// The one definition of what the hash of a finished request covers. Every value is a line of its
// own, a missing one an empty line, in the order of `toRequestText`. No value holds a line break
// (words are JSON, which escapes it), and the number of lines is fixed: so two different rows never
// have the same text.

/** One finished request as it lies in the database, dictionaries looked up. */
export interface HashedRequest {
  readonly seq: number;
  /** Lower-case hexadecimal without dashes. */
  readonly idHex: string;
  /** `dimensions.words` and `endings.words`: JSON texts. */
  readonly dimensionWords: string;
  readonly endingWords: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly ttftUs: number | null;
  readonly backendUs: number | null;
  readonly usage: Usage;
  readonly gpuUs: number;
  /** `prices.price`, a JSON text; empty for a request without a price. */
  readonly price: string;
  readonly costNanoUsd: number | null;
  readonly attempts: number;
  /** Lower-case hexadecimal; empty when nothing was captured. */
  readonly contentRefHex: string;
  /** What `toAttemptsText` says; empty when no attempt is stored. */
  readonly attemptsText: string;
}

/** The text that `nextHash` takes: 23 lines. */
export function toRequestText(row: HashedRequest): string {
  const u = row.usage;
  return `${row.seq}
${row.idHex}
${row.dimensionWords}
${row.endingWords}
${row.startedAtMs}
${row.durationMs}
${row.ttftUs ?? ''}
${row.backendUs ?? ''}
${u.inputTokens}
${u.cachedInputTokens}
${u.cacheWriteTokens}
${u.audioInputTokens}
${u.imageInputTokens}
${u.outputTokens}
${u.reasoningTokens}
${u.audioOutputTokens}
${u.imageOutputTokens}
${row.gpuUs}
${row.price}
${row.costNanoUsd ?? ''}
${row.attempts}
${row.contentRefHex}
${row.attemptsText}`;
}

/** One row of `attempts`, numbers of words looked up. */
export interface HashedAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly backend: string;
  readonly startedAtMs: number;
  readonly durationUs: number;
  readonly code: string | null;
  readonly status: number | null;
}

/** The stored attempts of a request, in their order, as one JSON array of arrays. */
export function toAttemptsText(attempts: readonly HashedAttempt[]): string {
  if (attempts.length === 0) return '';
  return JSON.stringify(
    attempts.map((row) => [
      row.attempt,
      row.backend,
      row.startedAtMs,
      row.durationUs,
      row.code,
      row.status,
    ]),
  );
}

/** The words of `dimensions.words`, in the order of its columns; null where there is none. */
export interface DimensionWords {
  readonly key: string | null;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  /** Canonical: its names in order. null for no tags. */
  readonly tags: Readonly<Record<string, string>> | null;
  readonly model: string | null;
  readonly backend: string | null;
  readonly endpoint: string | null;
}

export function toDimensionWords(words: DimensionWords): string {
  return JSON.stringify([
    words.key,
    words.user,
    words.team,
    words.tenant,
    words.tags,
    words.model,
    words.backend,
    words.endpoint,
  ]);
}

/** The words of `endings.words`, in the order of its columns. */
export interface EndingWords {
  readonly outcome: string;
  readonly code: string | null;
  readonly usageSource: string;
  readonly estimated: boolean;
  readonly streamed: boolean;
  readonly status: number;
}

export function toEndingWords(words: EndingWords): string {
  return JSON.stringify([
    words.outcome,
    words.code,
    words.usageSource,
    words.estimated,
    words.streamed,
    words.status,
  ]);
}

/**
 * The same text out of the database, all but its last line (the attempts, see ATTEMPTS_TEXT_SQL):
 * columns `seq, text, hash` of rows after the first parameter up to the second, in order. A word
 * that its dictionary has lost is an empty line, which no hash agrees with.
 */
export const REQUEST_TEXT_SQL = `
SELECT r.seq AS seq,
  concat_ws(char(10), r.seq, lower(hex(r.id)), coalesce(d.words, ''), coalesce(e.words, ''),
    r.started_at_ms, r.duration_ms, coalesce(r.ttft_us, ''), coalesce(r.backend_us, ''),
    r.input_tokens, r.cached_input_tokens, r.cache_write_tokens, r.audio_input_tokens,
    r.image_input_tokens, r.output_tokens, r.reasoning_tokens, r.audio_output_tokens,
    r.image_output_tokens, r.gpu_us, coalesce(p.price, ''), coalesce(r.cost_nano_usd, ''),
    r.attempts, lower(hex(r.content_ref)), '') AS text,
  lower(hex(r.hash)) AS hash
FROM requests r
LEFT JOIN dimensions d ON d.id = r.dimension
LEFT JOIN endings e ON e.id = r.ending
LEFT JOIN prices p ON p.id = r.price
WHERE r.seq > ? AND r.seq <= ?
ORDER BY r.seq`;

/**
 * Columns `seq, text`: the last line of every request after the first parameter up to the second
 * that has attempts stored.
 */
export const ATTEMPTS_TEXT_SQL = `
SELECT seq, json_group_array(json(words)) AS text FROM (
  SELECT a.request_seq AS seq,
    json_array(a.attempt, b.name, a.started_at_ms, a.duration_us, c.name, a.status) AS words
  FROM attempts a
  LEFT JOIN names b ON b.id = a.backend
  LEFT JOIN names c ON c.id = a.code
  WHERE a.request_seq > ? AND a.request_seq <= ?
  ORDER BY a.request_seq, a.attempt
) GROUP BY seq`;
