import type { UsageDocument } from '../admin/books-schemas.ts';
import type { Report } from './output.ts';
import { type Column, NOTHING, type Table } from './table.ts';

const COUNTERS = [
  'requests',
  'errors',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'audio_input_tokens',
  'image_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'audio_output_tokens',
  'image_output_tokens',
  'gpu_seconds',
  'cost_usd',
  'unpriced',
  'estimated',
  'estimated_cost_usd',
  'ttft_ms_p50',
] as const;

/** What fits in 80 columns beside a name; the rest is in JSON, CSV and YAML. */
const SHOWN: readonly (readonly [title: string, counter: (typeof COUNTERS)[number]])[] = [
  ['REQUESTS', 'requests'],
  ['ERRORS', 'errors'],
  ['INPUT', 'input_tokens'],
  ['CACHED', 'cached_input_tokens'],
  ['OUTPUT', 'output_tokens'],
  ['COST USD', 'cost_usd'],
  ['TTFT MS', 'ttft_ms_p50'],
];

export function toUsageReport(document: UsageDocument, by: readonly string[]): Report {
  return {
    document,
    rows: document.rows,
    columns: [
      ...by.flatMap((name) => (name === 'key' ? ['key', 'key_name'] : [name])),
      ...COUNTERS,
    ],
    human: toTable(document, by),
    emptyHint: `No requests between ${document.since} and ${document.until}.`,
  };
}

function toTable({ rows, total }: UsageDocument, by: readonly string[]): Table {
  const numbers: Column[] = SHOWN.map(([title]) => ({ title, align: 'right' }));
  return {
    columns: [...by.map((name) => ({ title: name.toUpperCase() })), ...numbers],
    rows: rows.map((row) => [...by.map((name) => toGroup(row, name)), ...toNumbers(row)]),
    total: [...by.map((_, at) => (at === 0 ? 'total' : '')), ...toNumbers(total)],
  };
}

/** A key is shown by its name, if it still has one; everything else as it was booked. */
function toGroup(row: UsageDocument['rows'][number], name: string): string {
  const value = name === 'key' ? (row['key_name'] ?? row['key']) : row[name];
  return typeof value === 'string' ? value : NOTHING;
}

function toNumbers(row: UsageDocument['total']): string[] {
  return SHOWN.map(([, counter]) => {
    const value = row[counter];
    if (value === null) return NOTHING;
    // Only whole numbers get separators: money is exact to the last digit.
    return typeof value === 'number' ? withSeparators(Math.round(value)) : value;
  });
}

/** 1234567 as `1,234,567`: token counts are read by people here, by programs from JSON. */
export function withSeparators(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
