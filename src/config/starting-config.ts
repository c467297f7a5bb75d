/** What a starting configuration is written for. */
export interface StartingBackend {
  readonly type: string;
  readonly url: string;
  readonly modelIds: readonly string[];
}

/**
 * A commented configuration to begin with, for the engines that were found on this machine. With
 * none it has one example backend, so that it is valid all the same.
 */
export function renderStartingConfig(found: readonly StartingBackend[]): string {
  return [renderHead(found), renderBackends(found), renderModels(found), TAIL].join('\n');
}

function renderHead(found: readonly StartingBackend[]): string {
  const isTaken = found.some(({ url }) => new URL(url).port === '8080');
  const listen = isTaken
    ? 'listen: 127.0.0.1:8081         # 8080 belongs to an engine; 0.0.0.0 would be everybody'
    : '# listen: 127.0.0.1:8080       # 0.0.0.0 is everybody; then add TLS or a TLS proxy';
  return `# llmgate.yaml: everything that this gateway does. Check it with: llmgate validate
# Lines that begin with # change nothing; the settings among them show the default or an example.

${listen}
# data_dir: ./llmgate-data     # database and admin socket
# durability: process          # full also survives a power cut, at some cost
`;
}

function renderBackends(found: readonly StartingBackend[]): string {
  const ids = idsFor(found);
  const lines = found.map(({ type, url, modelIds }, index) => {
    const models = modelIds.length === 0 ? 'no model yet' : listed(modelIds);
    return `  # Serves: ${models}\n  ${ids[index]}: { type: ${type}, url: "${url}" }\n`;
  });
  if (lines.length === 0) {
    lines.push(
      '  # No engine was found on this machine. This is where vLLM listens by default.\n',
      '  gpu0: { type: vllm, url: "http://127.0.0.1:8000" }\n',
    );
  }
  return `# The servers that answer. Their models are discovered and need no entry below.
backends:
${lines.join('')}  # cloud: { type: openai, api_key: "\${env:OPENAI_API_KEY}" }
`;
}

/** The type is the id; when an engine runs twice, its port tells it apart. */
function idsFor(found: readonly StartingBackend[]): string[] {
  return found.map(({ type, url }) => {
    const isAlone = found.filter((other) => other.type === type).length === 1;
    const id = type === 'openai_compatible' ? 'local' : type;
    return isAlone ? id : `${id}_${new URL(url).port}`;
  });
}

const MOST_LISTED = 5;

/** Names as their engine reports them, kept to one line of printable text. */
function listed(modelIds: readonly string[]): string {
  const names = modelIds.slice(0, MOST_LISTED).map((id) => id.replaceAll(/[^\x21-\x7e]/g, '?'));
  const more = modelIds.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function renderModels(found: readonly StartingBackend[]): string {
  const id = idsFor(found)[0] ?? 'gpu0';
  const target = found[0]?.modelIds[0];
  const model = target !== undefined && /^[\w./:-]{1,100}$/.test(target) ? target : 'MODEL';
  return `# Models with another name, several places to go, or a price (USD per million tokens).
# models:
#   chat:
#     targets: [{ backend: ${id}, model: "${model}" }]
#     aliases: [gpt-4o]
#     price: { input: 0.12, cached_input: 0.03, output: 0.36 }
#     context_tokens: 131072
#     max_output_tokens: 8192
`;
}

const TAIL = `# Limits, all of which apply. Keys can have limits of their own as well.
# limits:
#   - { per: key, requests: 600/m, burst: 60 }
#   - { per: key, tokens: 200000/m }
#   - { per: all, concurrent: 64 }

# Limits on what is spent: in USD for models that have a price, or in tokens.
# budgets:
#   - { per: key, usd: 50, window: month }
#   - { per: team, tokens: 5000000, window: day }
# timezone: UTC                # whose calendar days, weeks and months are
# unpriced_models: allow       # deny refuses models without a price

# Every request and every change is on record; how long, and where the record is copied to.
# audit:
#   retention: 184d
#   export: [{ type: file, path: audit.jsonl }]

# What is tried again after a failure, and who waits when the backends have enough to do.
# retries: { attempts: 2, budget: 20% }
# queue: { max_waiting: 1000, max_wait: 30s, fair_by: key }

# Metrics and commands from other machines need TLS there, and always a key.
# admin: { listen: 127.0.0.1:9090, keys: { ops: { key: "\${env:ADMIN_KEY}", role: admin } } }

# timeouts: { connect: 2s, first_byte: 120s, idle: 60s, total: 15m }
# max_body: 32MB
# log: { level: info, format: json }
`;
