import { createHash } from 'node:crypto';
import type { Database } from '../../src/store/sqlite.ts';

type Row = Readonly<Record<string, string | number | null>>;

const LINES = [
  ...['seq', 'id', 'who', 'how', 'started_at_ms', 'duration_ms', 'ttft_us', 'backend_us'],
  ...['input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'audio_input_tokens'],
  ...['image_input_tokens', 'output_tokens', 'reasoning_tokens', 'audio_output_tokens'],
  ...['image_output_tokens', 'gpu_us', 'price', 'cost_nano_usd', 'attempts', 'content'],
];

/**
 * The chain of finished requests, walked with nothing of llmgate's own: whether every hash follows
 * from the one before it and the words and numbers of its row. Returns the numbers of rows that do
 * not fit. `before` is the hash of a row that retention deleted.
 */
export function brokenLinks(db: Database, before = '0'.repeat(64)): number[] {
  const rows = db
    .prepare<[], Row>(
      `SELECT r.*, lower(hex(r.id)) AS id, d.words AS who, x.words AS how, p.price AS price,
         lower(hex(coalesce(r.content_ref, ''))) AS content, lower(hex(r.hash)) AS hash
       FROM requests r JOIN dimensions d ON d.id = r.dimension JOIN endings x ON x.id = r.ending
       LEFT JOIN prices p ON p.id = r.price ORDER BY r.seq`,
    )
    .all();
  const attemptsOf = db
    .prepare<[number], unknown[]>(
      `SELECT a.attempt, b.name, a.started_at_ms, a.duration_us, c.name, a.status FROM attempts a
       LEFT JOIN names b ON b.id = a.backend LEFT JOIN names c ON c.id = a.code
       WHERE request_seq = ? ORDER BY attempt`,
    )
    .raw();
  const broken: number[] = [];
  let previous = before;
  for (const row of rows) {
    const attempts = attemptsOf.all(Number(row['seq']));
    const lines = [previous, ...LINES.map((name) => row[name] ?? '')];
    lines.push(attempts.length === 0 ? '' : JSON.stringify(attempts));
    const hash = createHash('sha256').update(lines.join('\n')).digest('hex');
    if (hash !== row['hash']) broken.push(Number(row['seq']));
    previous = String(row['hash']);
  }
  return broken;
}
