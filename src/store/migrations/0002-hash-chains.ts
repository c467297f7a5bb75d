import type { Database } from '../sqlite.ts';
import { moveRequests } from './0002-move-requests.ts';
import { secondSchema } from './0002-schema.ts';
import { sumRequests } from './0002-sum-requests.ts';

/**
 * The second schema: the words of a request move into `dimensions` and `endings`, tokens are nine
 * numbers, every finished request carries the hash of a chain that begins with the first one, and
 * sums are kept per quarter of an hour, day and month.
 */
export function hashChains(db: Database): void {
  db.exec(`DROP VIEW request_log; ${OLD_TABLES.map(moveAside).join(' ')} ${secondSchema}`);
  db.exec(MOVE_WORDS);
  moveRequests(db);
  sumRequests(db);
  db.exec(`DROP INDEX moving_dimensions; ${OLD_TABLES.map(drop).join(' ')}`);
}

const OLD_TABLES = ['prices', 'open_requests', 'requests', 'usage_rollups'];

function moveAside(table: string): string {
  return `ALTER TABLE ${table} RENAME TO old_${table};`;
}

function drop(table: string): string {
  return `DROP TABLE old_${table};`;
}

const WHO = 'key, user, team, tenant, tags, model, backend, endpoint';
const HOW = 'outcome, code, usage_source, estimated, streamed, status';

// Kinds of tokens that cost what input or output does are left out of a price.
const MOVE_WORDS = `
INSERT INTO prices (id, price)
SELECT id, '{"input":' || input
  || iif(cached_input = input, '', ',"cached_input":' || cached_input)
  || ',"output":' || output
  || iif(reasoning = output, '', ',"reasoning":' || reasoning) || '}'
FROM old_prices ORDER BY id;

INSERT INTO dimensions (${WHO}, words)
SELECT ${prefixed('w', WHO)}, json_array(k.name, u.name, t.name, n.name, json(s.tags), m.name,
    b.name, e.name)
FROM (SELECT ${WHO} FROM old_requests UNION SELECT ${WHO} FROM old_open_requests) w
LEFT JOIN names k ON k.id = w.key
LEFT JOIN names u ON u.id = w.user
LEFT JOIN names t ON t.id = w.team
LEFT JOIN names n ON n.id = w.tenant
LEFT JOIN tag_sets s ON s.id = w.tags
LEFT JOIN names m ON m.id = w.model
LEFT JOIN names b ON b.id = w.backend
LEFT JOIN names e ON e.id = w.endpoint;

CREATE UNIQUE INDEX moving_dimensions ON dimensions (${WHO});

INSERT INTO endings (${HOW}, words)
SELECT ${prefixed('w', HOW)}, json_array(o.name, c.name, u.name,
    json(iif(w.estimated, 'true', 'false')), json(iif(w.streamed, 'true', 'false')), w.status)
FROM (SELECT DISTINCT ${HOW} FROM old_requests) w
LEFT JOIN names o ON o.id = w.outcome
LEFT JOIN names c ON c.id = w.code
LEFT JOIN names u ON u.id = w.usage_source;

INSERT INTO open_requests (id, dimension, streamed, started_at_ms, input_tokens_estimate,
  hold_nano_usd, price, usage)
SELECT r.id, d.id, r.streamed, r.started_at_ms, r.input_tokens_estimate, r.hold_nano_usd, r.price,
  iif(r.input_tokens IS NULL, NULL, json_array(r.input_tokens, r.cached_input_tokens, 0, 0, 0,
    r.output_tokens, r.reasoning_tokens, 0, 0))
FROM old_open_requests r
JOIN dimensions d USING (${WHO});
`;

function prefixed(table: string, columns: string): string {
  return columns
    .split(', ')
    .map((column) => `${table}.${column}`)
    .join(', ');
}
