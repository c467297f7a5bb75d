import type { UsageDocument } from '../admin/books-schemas.ts';
import type { Report } from './output.ts';
import { NOTHING, type Table } from './table.ts';
import { withSeparators } from './usage-view.ts';

export const PAYERS = ['team', 'tenant', 'user', 'key'] as const;
export type Payer = (typeof PAYERS)[number];

/** Tokens are in buckets of which none is a part of another, so that they can be added up. */
interface Owed {
  readonly requests: number;
  readonly text_input_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_tokens: number;
  readonly audio_input_tokens: number;
  readonly image_input_tokens: number;
  readonly text_output_tokens: number;
  readonly reasoning_tokens: number;
  readonly audio_output_tokens: number;
  readonly image_output_tokens: number;
  readonly gpu_seconds: number;
  /** null when no request had a price. */
  readonly cost_usd: string | null;
  readonly estimated_requests: number;
  readonly estimated_cost_usd: string | null;
  readonly unpriced_requests: number;
}

interface Item {
  /** The id of a key, else a name; null for requests of nobody. */
  readonly payer: string | null;
  /** The name of a key, if it still has one. */
  readonly keyName: string | null;
  readonly model: string | null;
  readonly owed: Owed;
}

export interface Chargeback {
  /** `2026-11`. */
  readonly month: string;
  readonly by: Payer;
  readonly items: readonly Item[];
  readonly total: Owed;
}

/** Reads usage of a month by payer and model. Items go by payer, then by model. */
export function toChargeback(document: UsageDocument, by: Payer): Chargeback {
  const items = document.rows.map((row) => ({
    payer: textOf(row[by]),
    keyName: textOf(row['key_name']),
    model: textOf(row['model']),
    owed: toOwed(row),
  }));
  return {
    month: document.since.slice(0, 7),
    by,
    items: items.toSorted(
      (left, right) => compare(left.payer, right.payer) || compare(left.model, right.model),
    ),
    total: toOwed(document.total),
  };
}

export function toChargebackReport(chargeback: Chargeback): Report {
  const { month, by, items, total } = chargeback;
  const rows = items.map(({ payer, keyName, model, owed }) => ({
    [by]: payer,
    ...(by === 'key' ? { key_name: keyName } : {}),
    model,
    ...owed,
  }));
  return {
    document: { month, by, rows, total },
    // A spreadsheet tells the total by its first column: a team may be named so too.
    rows: [
      ...rows.map((row) => ({ line: 'item', month, ...row })),
      { line: 'total', month, ...total },
    ],
    columns: [
      ...['line', 'month', ...(by === 'key' ? ['key', 'key_name'] : [by]), 'model'],
      ...Object.keys(total),
    ],
    human: toTable(chargeback),
    emptyHint: `No requests in ${month}.`,
  };
}

function toTable({ by, items, total }: Chargeback): Table {
  const numbers = ['REQUESTS', 'INPUT', 'OUTPUT', 'COST USD', 'ESTIMATED USD', 'UNPRICED'];
  return {
    columns: [
      { title: by.toUpperCase() },
      { title: 'MODEL' },
      ...numbers.map((title) => ({ title, align: 'right' as const })),
    ],
    rows: items.map(({ payer, keyName, model, owed }) => [
      keyName ?? payer ?? NOTHING,
      model ?? NOTHING,
      ...toNumbers(owed),
    ]),
    total: ['total', '', ...toNumbers(total)],
  };
}

function toNumbers(owed: Owed): string[] {
  const input =
    owed.text_input_tokens +
    owed.cached_input_tokens +
    owed.cache_write_tokens +
    owed.audio_input_tokens +
    owed.image_input_tokens;
  const output =
    owed.text_output_tokens +
    owed.reasoning_tokens +
    owed.audio_output_tokens +
    owed.image_output_tokens;
  return [
    withSeparators(owed.requests),
    withSeparators(input),
    withSeparators(output),
    owed.cost_usd ?? NOTHING,
    owed.estimated_cost_usd ?? NOTHING,
    withSeparators(owed.unpriced_requests),
  ];
}

function toOwed(row: UsageDocument['total']): Owed {
  const { cached_input_tokens, cache_write_tokens, audio_input_tokens, image_input_tokens } = row;
  const { reasoning_tokens, audio_output_tokens, image_output_tokens } = row;
  const inputParts =
    cached_input_tokens + cache_write_tokens + audio_input_tokens + image_input_tokens;
  return {
    requests: row.requests,
    text_input_tokens: row.input_tokens - inputParts,
    ...{ cached_input_tokens, cache_write_tokens, audio_input_tokens, image_input_tokens },
    text_output_tokens:
      row.output_tokens - reasoning_tokens - audio_output_tokens - image_output_tokens,
    ...{ reasoning_tokens, audio_output_tokens, image_output_tokens },
    gpu_seconds: row.gpu_seconds,
    cost_usd: row.cost_usd,
    estimated_requests: row.estimated,
    estimated_cost_usd: row.estimated_cost_usd,
    unpriced_requests: row.unpriced,
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Nobody comes last. */
function compare(left: string | null, right: string | null): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return Number(left > right) - Number(left < right);
}
