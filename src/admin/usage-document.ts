import { toUsdString } from '../core/money.ts';
import type { UsageDimension, UsageReport, UsageRow } from '../store/usage-report.ts';
import type { UsageDocument } from './books-schemas.ts';
import { toIso } from './key-view.ts';

/**
 * A usage report as its document. A row of a key also says the name it has now, because an id
 * tells a reader nothing; `findKeyName` returns null for a key that is not in the store.
 */
export function toUsageDocument(
  report: UsageReport,
  by: readonly UsageDimension[],
  findKeyName: (id: string) => string | null,
): UsageDocument {
  return {
    since: toIso(report.sinceMs),
    until: toIso(report.untilMs),
    rows: report.rows.map((row) => ({
      ...toGroup(row.group, by, findKeyName),
      ...toCounters(row),
    })),
    total: toCounters(report.total),
  };
}

function toGroup(
  group: UsageRow['group'],
  by: readonly UsageDimension[],
  findKeyName: (id: string) => string | null,
): Record<string, string | null> {
  const values: Record<string, string | null> = {};
  for (const [index, dimension] of by.entries()) {
    const value = group[index] ?? null;
    values[dimension] = value;
    if (dimension === 'key') values['key_name'] = value === null ? null : findKeyName(value);
  }
  return values;
}

function toCounters(row: UsageRow): UsageDocument['total'] {
  return {
    requests: row.requests,
    errors: row.errors,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    cache_write_tokens: row.cacheWriteTokens,
    audio_input_tokens: row.audioInputTokens,
    image_input_tokens: row.imageInputTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    audio_output_tokens: row.audioOutputTokens,
    image_output_tokens: row.imageOutputTokens,
    gpu_seconds: row.gpuUs / 1_000_000,
    cost_usd: hasNoPrice(row) ? null : toUsdString(row.costNanoUsd),
    unpriced: row.unpriced,
    estimated: row.estimated,
    estimated_cost_usd: hasNoPrice(row) ? null : toUsdString(row.estimatedNanoUsd),
    ttft_ms_p50: row.ttftMsP50,
  };
}

/** A sum over nothing priced is unknown; "0" would say that it was free. */
function hasNoPrice(row: UsageRow): boolean {
  return row.requests > 0 && row.unpriced === row.requests;
}
