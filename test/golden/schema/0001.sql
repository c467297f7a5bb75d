PRAGMA application_id = 1819045223;
PRAGMA user_version = 1;
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

INSERT INTO meta VALUES ('install_id', '6f1e7c52-5f0c-4b8e-9a67-0d6c1f2b3a49');
INSERT INTO meta VALUES ('rolled_up_seq', 1);
INSERT INTO keys VALUES ('K00000000001', 'a key', 'ada', NULL, NULL, 'active', 0, NULL, '["small"]', '["chat"]', 60, NULL, 2, 5000000000, 'month', '{"env":"prod"}');
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
INSERT INTO prices VALUES (1, 1000000, 500000, 2000000, 3000000);
INSERT INTO open_requests VALUES (X'0197A3C25E007ABC8DEF000000000003', 1, 2, 0, 0, 1, 3, 4, 5, 0, 1763600000000, 10, 50000, 1, NULL, NULL, NULL, NULL);
INSERT INTO requests VALUES (1, X'0197A3C25E007ABC8DEF000000000001', 1, 2, 0, 0, 1, 3, 4, 5, 0, 6, 0, 200, 1763600000000, 250, 12500, 249000, 10, 4, 6, 1, 7, 0, 1, 21000, 2);
INSERT INTO requests VALUES (2, X'0197A3C25E007ABC8DEF000000000002', 1, 0, 0, 0, 0, 3, 0, 5, 0, 10, 11, 429, 1763600000000, 250, NULL, 249000, 0, 0, 0, 0, 7, 0, 0, NULL, 1);
INSERT INTO attempts VALUES (1, 1, 4, 1, 2000, 8, 500);
INSERT INTO attempts VALUES (1, 2, 9, 3, 4000, 0, 200);
INSERT INTO usage_rollups VALUES (489888, 1, 2, 0, 0, 1, 3, 4, 5, 6, 1, 0, 0, 10, 4, 6, 1, 21000, '{"108":1}');
