/**
 * Which trace a request belongs to: W3C Trace Context, https://www.w3.org/TR/trace-context-2/.
 * Ids are lower-case hexadecimal, 32 digits for a trace and 16 for a span.
 */
export interface TraceContext {
  readonly traceId: string;
  /** The caller's own span; null when the trace begins here. */
  readonly parentId: string | null;
  /** Of the request itself; every attempt has one of its own. */
  readonly spanId: string;
  /** The caller's `tracestate`, which goes on as it is; null for none, or none that can be told. */
  readonly state: string | null;
  /** True when the last seven bytes of the trace id are random. */
  readonly isRandom: boolean;
  /** Decided before anything was known but the ids: told to backends, so that they do the same. */
  readonly isSampled: boolean;
}

/** What a caller says of its trace. */
export interface CallersTrace {
  readonly traceId: string;
  readonly parentId: string;
  readonly isSampled: boolean;
  readonly isRandom: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const SAMPLED = 0x01;
const RANDOM = 0x02;

/** Null for what is no `traceparent`: the trace then begins here. */
export function parseTraceparent(header: string | null): CallersTrace | null {
  if (header === null) return null;
  const [, version, traceId, parentId, flagText, rest] = TRACEPARENT.exec(header.trim()) ?? [];
  if (traceId === undefined || parentId === undefined || flagText === undefined) return null;
  // Later versions may add parts; this one has four.
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (traceId === NO_TRACE || parentId === NO_SPAN) return null;
  const flags = Number.parseInt(flagText, 16);
  return {
    traceId,
    parentId,
    isSampled: (flags & SAMPLED) !== 0,
    isRandom: (flags & RANDOM) !== 0,
  };
}

/** What a backend is told: the parent of its own spans is one of ours. */
export function renderTraceparent(context: TraceContext, spanId: string): string {
  return `00-${context.traceId}-${spanId}-0${traceFlags(context)}`;
}

/** The flags byte; below 4. */
export function traceFlags({ isSampled, isRandom }: TraceContext): number {
  return (isSampled ? SAMPLED : 0) + (isRandom ? RANDOM : 0);
}

/** Longer ones need not be passed on, and are not ours to cut. */
const STATE_MAX_CHARS = 512;

/** Null for what a span had better not say. */
export function parseTracestate(header: string | null): string | null {
  if (header === null || header === '' || header.length > STATE_MAX_CHARS) return null;
  return /^[\x20-\x7e]+$/.test(header) ? header : null;
}
