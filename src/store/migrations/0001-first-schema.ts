/**
 * The first schema.
 *
 * Rows of requests are many, so every word in them (key, user, model, backend, outcome, …) is a
 * number in `names`, 0 for none; a set of tags is a number in `tag_sets`, a price one in `prices`.
 * The view `request_log` puts the words back for people. Times are milliseconds since the epoch,
 * durations say their unit, money is nano-USD. Nothing here is ever updated in `requests`.
 */
export const firstSchema = `
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  user TEXT,
  team TEXT,
  tenant TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  models TEXT CHECK (models IS NULL OR json_valid(models)),
  endpoints TEXT CHECK (endpoints IS NULL OR json_valid(endpoints)),
  requests_per_minute INTEGER,
  tokens_per_minute INTEGER,
  concurrency INTEGER,
  budget_nano_usd INTEGER,
  budget_window TEXT,
  tags TEXT NOT NULL CHECK (json_valid(tags))
) STRICT, WITHOUT ROWID;

-- A revoked key gives its name back.
CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE status <> 'revoked';
CREATE INDEX keys_name ON keys (name, created_at_ms);

CREATE TABLE key_secrets (
  digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  key_id TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX key_secrets_key ON key_secrets (key_id);

CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE tag_sets (
  id INTEGER PRIMARY KEY,
  tags TEXT NOT NULL UNIQUE CHECK (json_valid(tags))
) STRICT;

-- Micro-dollars per million tokens.
CREATE TABLE prices (
  id INTEGER PRIMARY KEY,
  input INTEGER NOT NULL,
  cached_input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  UNIQUE (input, cached_input, output, reasoning)
) STRICT;

CREATE TABLE open_requests (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  key INTEGER NOT NULL,
  user INTEGER NOT NULL,
  team INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  tags INTEGER NOT NULL,
  model INTEGER NOT NULL,
  backend INTEGER NOT NULL,
  endpoint INTEGER NOT NULL,
  streamed INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  input_tokens_estimate INTEGER NOT NULL,
  hold_nano_usd INTEGER NOT NULL,
  price INTEGER NOT NULL,
  -- The last usage known while running; all four or none.
  input_tokens INTEGER,
  cached_input_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  key INTEGER NOT NULL,
  user INTEGER NOT NULL,
  team INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  tags INTEGER NOT NULL,
  model INTEGER NOT NULL,
  backend INTEGER NOT NULL,
  endpoint INTEGER NOT NULL,
  streamed INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  code INTEGER NOT NULL,
  status INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  ttft_us INTEGER,
  backend_us INTEGER,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  usage_source INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  price INTEGER NOT NULL,
  cost_nano_usd INTEGER,
  attempts INTEGER NOT NULL
) STRICT;

CREATE TABLE attempts (
  request_seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  backend INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  duration_us INTEGER NOT NULL,
  code INTEGER NOT NULL,
  status INTEGER,
  PRIMARY KEY (request_seq, attempt)
) STRICT, WITHOUT ROWID;

-- Sums per hour since the epoch and everything that a report can group by. ttft is a JSON object of
-- bucket to count; bucket b holds times from 2^(b/8) to 2^((b+1)/8) microseconds.
CREATE TABLE usage_rollups (
  hour INTEGER NOT NULL,
  key INTEGER NOT NULL,
  user INTEGER NOT NULL,
  team INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  tags INTEGER NOT NULL,
  model INTEGER NOT NULL,
  backend INTEGER NOT NULL,
  endpoint INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL,
  ttft TEXT,
  PRIMARY KEY (hour, key, user, team, tenant, tags, model, backend, endpoint, outcome)
) STRICT, WITHOUT ROWID;

CREATE VIEW request_log AS
SELECT
  r.seq, lower(hex(r.id)) AS id, k.name AS key, u.name AS user, t.name AS team,
  n.name AS tenant, s.tags AS tags, m.name AS model, b.name AS backend, e.name AS endpoint,
  r.streamed, o.name AS outcome, c.name AS code, r.status, r.started_at_ms, r.duration_ms,
  r.ttft_us, r.backend_us, r.input_tokens, r.cached_input_tokens, r.output_tokens,
  r.reasoning_tokens, us.name AS usage_source, r.estimated, r.cost_nano_usd, r.price, r.attempts
FROM requests r
LEFT JOIN names k ON k.id = r.key
LEFT JOIN names u ON u.id = r.user
LEFT JOIN names t ON t.id = r.team
LEFT JOIN names n ON n.id = r.tenant
LEFT JOIN tag_sets s ON s.id = r.tags
LEFT JOIN names m ON m.id = r.model
LEFT JOIN names b ON b.id = r.backend
LEFT JOIN names e ON e.id = r.endpoint
LEFT JOIN names o ON o.id = r.outcome
LEFT JOIN names c ON c.id = r.code
LEFT JOIN names us ON us.id = r.usage_source;
`;
