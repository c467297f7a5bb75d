import { traitsOf } from '../../core/error.ts';
import { NANO_PER_USD } from '../../core/money.ts';
import type { Usage } from '../../core/usage.ts';
import {
  COMMON_ATTRIBUTES as COMMON,
  GENAI_ATTRIBUTES as GENAI,
  LLMGATE_ATTRIBUTES as LLMGATE,
} from '../genai-names.ts';
import { GENAI_OPERATIONS } from '../metrics/genai-table.ts';
import { renderSpan, SPAN_KIND, SpanAttributes } from './span-json.ts';
import { traceFlags } from './trace-context.ts';
import type { TracedAttempt, TracedRequest } from './traced-request.ts';

/** What is known of a backend besides its name. */
export interface TracedBackend {
  /** `gen_ai.provider.name`. */
  readonly provider: string;
  /** Empty when it is not on a network. */
  readonly address: string;
  readonly port: number;
}

export interface RenderParts {
  readonly spanId: () => string;
  readonly backendOf: (backend: string) => TracedBackend | undefined;
}

/** The spans of one request, one JSON object each: its own, then one for every attempt. */
export function renderRequest(request: TracedRequest, parts: RenderParts): readonly string[] {
  const { attempts } = request;
  const own = renderOwn(request);
  if (attempts.length === 0) return [own];
  return [own, ...attempts.map((attempt) => renderAttempt(request, attempt, parts))];
}

function renderOwn(request: TracedRequest): string {
  const { context, startedAtMs } = request;
  return renderSpan({
    ...{ traceId: context.traceId, spanId: context.spanId, parentId: context.parentId },
    ...{ state: context.state, flags: traceFlags(context), isParentRemote: true },
    name: nameOf(request, request.model),
    kind: SPAN_KIND.server,
    startMs: startedAtMs,
    endMs: startedAtMs + request.durationMs,
    attributes: ownAttributes(request),
    events: request.notes.map(({ atMs, text }) => ({
      atMs: startedAtMs + atMs,
      name: 'decision',
      attributes: new SpanAttributes().text(LLMGATE.note, text),
    })),
    isError: request.isFailed,
  });
}

/**
 * Tokens under names of our own: programs that add up `gen_ai.usage.*` over all spans must find
 * them once, at the attempt that used them.
 */
function ownAttributes(request: TracedRequest): SpanAttributes {
  const { maxOutputTokens, team, tenant, code, costNanoUsd, usage } = request;
  const attributes = new SpanAttributes()
    .text(GENAI.operation, GENAI_OPERATIONS[request.endpoint])
    .flag(GENAI.requestStream, request.streamed)
    .text(COMMON.method, request.method)
    .text(COMMON.route, request.path)
    .whole(COMMON.status, request.status)
    .text(LLMGATE.requestId, request.requestId)
    .text(LLMGATE.key, request.keyId)
    .text(LLMGATE.outcome, request.outcome)
    .whole(LLMGATE.attempts, request.attempts.length)
    .seconds(LLMGATE.queueSeconds, request.queueMs)
    .whole(LLMGATE.inputTokens, usage.inputTokens)
    .whole(LLMGATE.outputTokens, usage.outputTokens);
  if (request.model !== '') attributes.text(GENAI.requestModel, request.model);
  if (maxOutputTokens !== null) attributes.whole(GENAI.requestMaxTokens, maxOutputTokens);
  if (request.ttftMs !== null) attributes.seconds(GENAI.timeToFirstChunk, request.ttftMs);
  if (costNanoUsd !== null) attributes.real(LLMGATE.costUsd, costNanoUsd / NANO_PER_USD);
  if (team !== null) attributes.text(LLMGATE.team, team);
  if (tenant !== null) attributes.text(LLMGATE.tenant, tenant);
  if (code !== null) attributes.text(COMMON.errorType, code);
  return attributes;
}

function renderAttempt(
  request: TracedRequest,
  attempt: TracedAttempt,
  { spanId, backendOf }: RenderParts,
): string {
  const { context, startedAtMs } = request;
  const { code } = attempt;
  return renderSpan({
    ...{ traceId: context.traceId, parentId: context.spanId, state: context.state },
    ...{ flags: traceFlags(context), isParentRemote: false, events: [] },
    spanId: attempt.spanId ?? spanId(),
    name: nameOf(request, attempt.model),
    kind: SPAN_KIND.client,
    startMs: startedAtMs + attempt.startMs,
    endMs: startedAtMs + attempt.endMs,
    attributes: attemptAttributes(request, attempt, backendOf(attempt.backend)),
    isError: code !== null && traitsOf(code).blame !== 'caller',
  });
}

function attemptAttributes(
  request: TracedRequest,
  attempt: TracedAttempt,
  backend: TracedBackend | undefined,
): SpanAttributes {
  const { code, status, firstTokenMs } = attempt;
  const attributes = new SpanAttributes()
    .text(GENAI.operation, GENAI_OPERATIONS[request.endpoint])
    .text(GENAI.requestModel, attempt.model)
    .flag(GENAI.requestStream, request.streamed)
    .text(LLMGATE.backend, attempt.backend)
    .text(LLMGATE.reason, attempt.reason);
  if (backend !== undefined) {
    attributes.text(GENAI.provider, backend.provider);
    if (backend.address !== '') {
      attributes.text(COMMON.serverAddress, backend.address).whole(COMMON.serverPort, backend.port);
    }
  }
  if (status !== null) attributes.whole(COMMON.status, status);
  if (firstTokenMs !== null) {
    attributes.seconds(GENAI.timeToFirstChunk, firstTokenMs - attempt.startMs);
  }
  if (code !== null) attributes.text(COMMON.errorType, code);
  if (attempt.isServing && request.outcome !== 'refused') addUsage(attributes, request.usage);
  return attributes;
}

function addUsage(attributes: SpanAttributes, usage: Usage): void {
  const { cachedInputTokens, cacheWriteTokens, reasoningTokens } = usage;
  attributes.whole(GENAI.inputTokens, usage.inputTokens);
  attributes.whole(GENAI.outputTokens, usage.outputTokens);
  if (cachedInputTokens > 0) attributes.whole(GENAI.cacheReadTokens, cachedInputTokens);
  if (cacheWriteTokens > 0) attributes.whole(GENAI.cacheWriteTokens, cacheWriteTokens);
  if (reasoningTokens > 0) attributes.whole(GENAI.reasoningTokens, reasoningTokens);
}

/** `{operation} {model}`, as the conventions want it. */
function nameOf({ endpoint }: TracedRequest, model: string): string {
  const operation = GENAI_OPERATIONS[endpoint];
  return model === '' ? operation : `${operation} ${model}`;
}
