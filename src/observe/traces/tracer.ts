import { type RenderParts, renderRequest } from './render-request.ts';
import { parseTraceparent, parseTracestate, type TraceContext } from './trace-context.ts';
import type { TracedRequest } from './traced-request.ts';

/** Where finished spans go. */
export interface SpanOutlet {
  /** Spans of one request, a JSON object each. Never waits and never throws. */
  push(spans: readonly string[]): void;
}

export interface TracerOptions extends RenderParts {
  /** Part of the traces that begin here which is kept, 0 to 1. */
  readonly sample: number;
  /** Requests that took longer are kept in any case; null: that is no reason. */
  readonly slowMs: number | null;
  readonly outlet: SpanOutlet;
}

/** Decides which requests are traced, and turns those into spans once they are settled. */
export interface Tracer {
  /** The headers are the caller's own; what is not well-formed in them is as good as absent. */
  begin(requestId: string, traceparent: string | null, tracestate: string | null): TraceContext;
  newSpanId(): string;
  /** Whether a settled request is worth its spans: asked before they are put together. */
  keeps(context: TraceContext, durationMs: number, isFailed: boolean): boolean;
  ended(request: TracedRequest): void;
}

/** Of the random part of a trace id 52 bits are looked at: what a number holds exactly. */
const SHARE_DIGITS = 13;
const SHARE_RANGE = 2 ** (4 * SHARE_DIGITS);

export function createTracer(options: TracerOptions): Tracer {
  const { sample, slowMs, outlet, spanId } = options;
  // As consistent sampling has it: the larger ids are kept, so that every sampler that looks at
  // them keeps the same ones. https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
  const threshold = (1 - sample) * SHARE_RANGE;
  const isDrawn = (traceId: string) =>
    Number.parseInt(traceId.slice(-SHARE_DIGITS), 16) >= threshold;
  return {
    begin(requestId, traceparent, tracestate) {
      const theirs = parseTraceparent(traceparent);
      if (theirs !== null) {
        return { ...theirs, spanId: spanId(), state: parseTracestate(tracestate) };
      }
      // A request id is 128 bits of which the last 62 are random: who has it can find the trace.
      const traceId = requestId.replaceAll('-', '');
      return {
        ...{ traceId, parentId: null, spanId: spanId(), state: null, isRandom: true },
        isSampled: isDrawn(traceId),
      };
    },
    newSpanId: spanId,
    keeps: ({ isSampled }, durationMs, isFailed) =>
      isSampled || isFailed || (slowMs !== null && durationMs > slowMs),
    ended: (request) => outlet.push(renderRequest(request, options)),
  };
}
