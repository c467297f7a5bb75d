PRAGMA application_id = 1819045223;
PRAGMA user_version = 2;
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
, budget_tokens INTEGER, budget_tokens_window TEXT, max_output_tokens INTEGER, content TEXT) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE status <> 'revoked';
CREATE INDEX keys_name ON keys (name, created_at_ms);
CREATE TABLE key_secrets (
  digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  key_id TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE tag_sets (
  id INTEGER PRIMARY KEY,
  tags TEXT NOT NULL UNIQUE CHECK (json_valid(tags))
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
CREATE INDEX key_secrets_key ON key_secrets (key_id, created_at_ms, expires_at_ms);
CREATE TABLE prices (
  id INTEGER PRIMARY KEY,
  price TEXT NOT NULL UNIQUE CHECK (json_valid(price))
) STRICT;
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

INSERT INTO meta VALUES ('install_id', '6f1e7c52-5f0c-4b8e-9a67-0d6c1f2b3a49');
INSERT INTO meta VALUES ('rolled_up_seq', 1);
INSERT INTO keys VALUES ('K00000000001', 'a key', 'ada', NULL, NULL, 'active', 0, NULL, '["small"]', '["chat"]', 60, NULL, 2, 5000000000, 'month', '{"env":"prod"}', NULL, NULL, 500, 'redacted');
INSERT INTO key_secrets VALUES (X'0707070707070707070707070707070707070707070707070707070707070707', 'K00000000001', 1, NULL);
INSERT INTO names VALUES (1, 'K00000000001');
INSERT INTO names VALUES (10, 'refused');
INSERT INTO names VALUES (11, 'insufficient_quota');
INSERT INTO names VALUES (2, 'ada');
INSERT INTO names VALUES (3, 'small');
INSERT INTO names VALUES (4, 'gpu0');
INSERT INTO names VALUES (5, 'chat');
INSERT INTO names VALUES (6, 'served');
INSERT INTO names VALUES (7, 'reported');
INSERT INTO names VALUES (8, 'backend_error');
INSERT INTO names VALUES (9, 'gpu1');
INSERT INTO tag_sets VALUES (1, '{"env":"prod"}');
INSERT INTO attempts VALUES (1, 1, 4, 1, 2000, 8, 500);
INSERT INTO attempts VALUES (1, 2, 9, 3, 4000, 0, 200);
INSERT INTO prices VALUES (1, '{"input":1000000,"cached_input":500000,"output":2000000,"reasoning":3000000}');
INSERT INTO dimensions VALUES (1, 1, 2, 0, 0, 1, 3, 4, 5, '["K00000000001","ada",null,null,{"env":"prod"},"small","gpu0","chat"]');
INSERT INTO dimensions VALUES (2, 1, 0, 0, 0, 0, 3, 0, 5, '["K00000000001",null,null,null,null,"small",null,"chat"]');
INSERT INTO endings VALUES (1, 6, 0, 7, 0, 0, 200, '["served",null,"reported",false,false,200]');
INSERT INTO endings VALUES (2, 10, 11, 7, 0, 0, 429, '["refused","insufficient_quota","reported",false,false,429]');
INSERT INTO open_requests VALUES (X'0197A3C25E007ABC8DEF000000000003', 1, 0, 1763600000000, 10, 50000, 1, '[10,0,0,0,0,0,0,0,0]');
INSERT INTO requests VALUES (1, X'0197A3C25E007ABC8DEF000000000001', 1, 1, 1763600000000, 250, 12500, 249000, 10, 4, 0, 0, 0, 6, 1, 0, 0, 0, 1, 21000, 2, NULL, X'AA67E01DD611A52C6D3F735827D65AF1E78B11BA54E8A61EF80DB35F48F331BA');
INSERT INTO requests VALUES (2, X'0197A3C25E007ABC8DEF000000000002', 2, 2, 1763600000000, 250, NULL, 249000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1, NULL, X'F74227E80D82CCD5CD50672D20259FFB4CC93CCF90D461A2C6862555D15DDC7E');
INSERT INTO usage_sums VALUES (0, 1959555, 1, 6, 1, 0, 0, 10, 4, 0, 0, 0, 6, 1, 0, 0, 0, 21000, 0, '{"108":1}');
INSERT INTO usage_sums VALUES (1, 20412, 1, 6, 1, 0, 0, 10, 4, 0, 0, 0, 6, 1, 0, 0, 0, 21000, 0, '{"108":1}');
INSERT INTO usage_sums VALUES (2, 24310, 1, 6, 1, 0, 0, 10, 4, 0, 0, 0, 6, 1, 0, 0, 0, 21000, 0, '{"108":1}');
INSERT INTO admin_events VALUES (1, 5, 'ada', 'offline', 'budget.set', 'team:research', NULL, '{"usd":1}', X'A3F1BFF2A51F59ADA47680A600F7BF51FE07D33C31FAF613A4AEC93063E35733');
INSERT INTO checkpoints VALUES (2, 1, 6, X'F74227E80D82CCD5CD50672D20259FFB4CC93CCF90D461A2C6862555D15DDC7E', X'A3F1BFF2A51F59ADA47680A600F7BF51FE07D33C31FAF613A4AEC93063E35733', 'a signed note');
INSERT INTO budgets VALUES ('team', 'research', 'usd', 'month', 1000000000, 5);
