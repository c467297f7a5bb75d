/**
 * Names of span attributes. Those of OpenTelemetry's conventions for generative AI are in
 * development and several are about to be renamed, so none is written anywhere else; metrics have
 * theirs in `metrics/genai-table.ts`.
 * https://github.com/open-telemetry/semantic-conventions-genai
 */
export const GENAI_ATTRIBUTES = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestStream: 'gen_ai.request.stream',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
} as const;

/** Names that every kind of span shares. https://opentelemetry.io/docs/specs/semconv/ */
export const COMMON_ATTRIBUTES = {
  errorType: 'error.type',
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  serviceName: 'service.name',
  serviceVersion: 'service.version',
  serviceInstance: 'service.instance.id',
  hostName: 'host.name',
} as const;

/** What no convention has a word for. */
export const LLMGATE_ATTRIBUTES = {
  requestId: 'llmgate.request_id',
  key: 'llmgate.key_id',
  team: 'llmgate.team',
  tenant: 'llmgate.tenant',
  outcome: 'llmgate.outcome',
  backend: 'llmgate.backend',
  /** Why the scheduler chose this backend. */
  reason: 'llmgate.reason',
  attempts: 'llmgate.attempts',
  queueSeconds: 'llmgate.queue_seconds',
  costUsd: 'llmgate.cost_usd',
  inputTokens: 'llmgate.input_tokens',
  outputTokens: 'llmgate.output_tokens',
  note: 'llmgate.note',
} as const;
