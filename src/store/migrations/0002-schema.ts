/** Tables of the second schema; those of the first that it replaces were renamed before. */
export const secondSchema = `
ALTER TABLE keys ADD COLUMN budget_tokens INTEGER;
ALTER TABLE keys ADD COLUMN budget_tokens_window TEXT;
ALTER TABLE keys ADD COLUMN max_output_tokens INTEGER;
ALTER TABLE keys ADD COLUMN content TEXT;

-- Everything a start reads of secrets, in the order of their keys.
DROP INDEX key_secrets_key;
CREATE INDEX key_secrets_key ON key_secrets (key_id, created_at_ms, expires_at_ms);

-- Rates as JSON, micro-dollars per million tokens; gpu_hour is micro-dollars an hour. What is left
-- out costs what input or output does, or nothing.
CREATE TABLE prices (
  id INTEGER PRIMARY KEY,
  price TEXT NOT NULL UNIQUE CHECK (json_valid(price))
) STRICT;

-- Who and what requests are booked on: ids of names and of a tag set, 0 for none. words are the
-- same as a JSON array, null for none: the hash chain covers the words, not the ids.
CREATE TABLE dimensions (
  id INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  user INTEGER NOT NULL,
  team INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  tags INTEGER NOT NULL,
  model INTEGER NOT NULL,
  backend INTEGER NOT NULL,
  endpoint INTEGER NOT NULL,
  words TEXT NOT NULL UNIQUE CHECK (json_valid(words))
) STRICT;

CREATE INDEX dimensions_key ON dimensions (key);

-- How requests end, in the same manner.
CREATE TABLE endings (
  id INTEGER PRIMARY KEY,
  outcome INTEGER NOT NULL,
  code INTEGER NOT NULL,
  usage_source INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  streamed INTEGER NOT NULL,
  status INTEGER NOT NULL,
  words TEXT NOT NULL UNIQUE CHECK (json_valid(words))
) STRICT;

CREATE TABLE open_requests (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  dimension INTEGER NOT NULL,
  streamed INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  input_tokens_estimate INTEGER NOT NULL,
  hold_nano_usd INTEGER NOT NULL,
  price INTEGER NOT NULL,
  -- The last usage known while running: a JSON array of the nine numbers, in the order of requests.
  usage TEXT
) STRICT, WITHOUT ROWID;

-- seq counts from 1 without gaps and is never given twice. hash is SHA-256 over the hash of the row
-- before and this row's values, words looked up. content_ref is a salted hash of what was captured.
CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  dimension INTEGER NOT NULL,
  ending INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  ttft_us INTEGER,
  backend_us INTEGER,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  audio_input_tokens INTEGER NOT NULL,
  image_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  audio_output_tokens INTEGER NOT NULL,
  image_output_tokens INTEGER NOT NULL,
  gpu_us INTEGER NOT NULL,
  price INTEGER NOT NULL,
  cost_nano_usd INTEGER,
  attempts INTEGER NOT NULL,
  content_ref BLOB,
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- grain 0: start counts quarters of an hour since the epoch; 1: days since the epoch; 2: months
-- since the year 0. All UTC. ttft is a JSON object of bucket to count; bucket b holds times from
-- 2^(b/8) to 2^((b+1)/8) microseconds.
CREATE TABLE usage_sums (
  grain INTEGER NOT NULL,
  start INTEGER NOT NULL,
  dimension INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  audio_input_tokens INTEGER NOT NULL,
  image_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  audio_output_tokens INTEGER NOT NULL,
  image_output_tokens INTEGER NOT NULL,
  gpu_us INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL,
  estimated_cost_nano_usd INTEGER NOT NULL,
  ttft TEXT,
  PRIMARY KEY (grain, start, dimension, outcome)
) STRICT, WITHOUT ROWID;

-- The second chain: what an operator, a file or a stranger did. before and after are JSON or NULL.
CREATE TABLE admin_events (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  origin TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  "before" TEXT,
  "after" TEXT,
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE checkpoints (
  requests_seq INTEGER NOT NULL,
  admin_seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL PRIMARY KEY,
  requests_hash BLOB NOT NULL CHECK (length(requests_hash) = 32),
  admin_hash BLOB NOT NULL CHECK (length(admin_hash) = 32),
  note TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What retention deleted: where the chain went on, and what the rows added up to (JSON).
CREATE TABLE purged_ranges (
  chain TEXT NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  before_hash BLOB NOT NULL CHECK (length(before_hash) = 32),
  last_hash BLOB NOT NULL CHECK (length(last_hash) = 32),
  rows INTEGER NOT NULL,
  sums TEXT NOT NULL CHECK (json_valid(sums)),
  PRIMARY KEY (chain, from_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE legal_holds (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL CHECK (scope IN ('all', 'key', 'user', 'team', 'tenant')),
  subject TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  released_at_ms INTEGER
) STRICT;

CREATE TABLE budgets (
  per TEXT NOT NULL,
  subject TEXT NOT NULL,
  measure TEXT NOT NULL,
  "window" TEXT NOT NULL,
  amount INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (per, subject, measure, "window")
) STRICT, WITHOUT ROWID;

CREATE TABLE budget_grants (
  id INTEGER PRIMARY KEY,
  per TEXT NOT NULL,
  subject TEXT NOT NULL,
  measure TEXT NOT NULL,
  "window" TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount INTEGER NOT NULL,
  window_start_ms INTEGER,
  until_ms INTEGER,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE budget_alerts (
  per TEXT NOT NULL,
  subject TEXT NOT NULL,
  measure TEXT NOT NULL,
  "window" TEXT NOT NULL,
  window_start_ms INTEGER NOT NULL,
  threshold INTEGER NOT NULL,
  "limit" INTEGER NOT NULL,
  spent INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  delivered_at_ms INTEGER,
  PRIMARY KEY (per, subject, measure, "window", window_start_ms, threshold)
) STRICT, WITHOUT ROWID;

CREATE INDEX budget_alerts_undelivered ON budget_alerts (at_ms) WHERE delivered_at_ms IS NULL;

CREATE TABLE export_cursors (
  sink TEXT NOT NULL,
  chain TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (sink, chain)
) STRICT, WITHOUT ROWID;

CREATE VIEW request_log AS
SELECT
  r.seq, lower(hex(r.id)) AS id, k.name AS key, u.name AS user, t.name AS team,
  n.name AS tenant, s.tags AS tags, m.name AS model, b.name AS backend, e.name AS endpoint,
  x.streamed, o.name AS outcome, c.name AS code, x.status, r.started_at_ms, r.duration_ms,
  r.ttft_us, r.backend_us, r.input_tokens, r.cached_input_tokens, r.cache_write_tokens,
  r.audio_input_tokens, r.image_input_tokens, r.output_tokens, r.reasoning_tokens,
  r.audio_output_tokens, r.image_output_tokens, us.name AS usage_source, x.estimated, r.gpu_us,
  r.cost_nano_usd, p.price AS price, r.attempts,
  iif(r.content_ref IS NULL, NULL, lower(hex(r.content_ref))) AS content_ref,
  lower(hex(r.hash)) AS hash
FROM requests r
LEFT JOIN dimensions d ON d.id = r.dimension
LEFT JOIN endings x ON x.id = r.ending
LEFT JOIN prices p ON p.id = r.price
LEFT JOIN names k ON k.id = d.key
LEFT JOIN names u ON u.id = d.user
LEFT JOIN names t ON t.id = d.team
LEFT JOIN names n ON n.id = d.tenant
LEFT JOIN tag_sets s ON s.id = d.tags
LEFT JOIN names m ON m.id = d.model
LEFT JOIN names b ON b.id = d.backend
LEFT JOIN names e ON e.id = d.endpoint
LEFT JOIN names o ON o.id = x.outcome
LEFT JOIN names c ON c.id = x.code
LEFT JOIN names us ON us.id = x.usage_source;
`;
