import { type HttpReceiver, startHttpReceiver } from './http-receiver.ts';

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span as a collector would keep it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly traceState: string | undefined;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly isError: boolean;
}

export interface SpanReceiver extends HttpReceiver {
  /** Everything that has arrived so far, in that order. */
  spans(): ReceivedSpan[];
}

/** A collector that takes OTLP over HTTP in its JSON encoding. */
export function startSpanReceiver(): SpanReceiver {
  const receiver = startHttpReceiver();
  return Object.assign(receiver, {
    spans: () => receiver.requests.flatMap(({ body }) => readSpans(body)),
  });
}

interface WireValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
type WireAttributes = readonly { readonly key: string; readonly value: WireValue }[];

interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: WireAttributes;
  readonly events?: readonly { readonly name: string; readonly attributes: WireAttributes }[];
  readonly status?: { readonly code: number };
}

interface WireRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: WireAttributes };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

export function readSpans(body: string): ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(body) as WireRequest;
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map(readSpan)),
  );
}

export function readResource(body: string): Attributes {
  const { resourceSpans } = JSON.parse(body) as WireRequest;
  return readAttributes(resourceSpans[0]?.resource.attributes ?? []);
}

export function readSpan(span: WireSpan): ReceivedSpan {
  const { traceId, spanId, parentSpanId, traceState, flags, name, kind, events = [] } = span;
  return {
    ...{ traceId, spanId, parentSpanId, traceState, flags, name, kind },
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
    attributes: readAttributes(span.attributes),
    events: events.map((each) => ({ ...each, attributes: readAttributes(each.attributes) })),
    isError: span.status?.code === 2,
  };
}

function readAttributes(attributes: WireAttributes): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, readValue(value)]));
}

function readValue({ stringValue, intValue, doubleValue, boolValue }: WireValue) {
  return (
    stringValue ??
    (intValue === undefined ? undefined : Number(intValue)) ??
    doubleValue ??
    boolValue ??
    ''
  );
}
