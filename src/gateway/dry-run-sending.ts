import { neutralText } from '../protocols/neutral-text.ts';
import type { Target } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';
import { outputLimitFor } from './forward.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import type { Call } from './read.ts';

/** One member of the body that a backend gets otherwise than it came. */
export interface DryEdit {
  readonly member: string;
  /** JSON text, shortened; null for a member that is added. */
  readonly before: string | null;
  readonly after: string;
}

/** What would differ between the request that comes and the one that goes. Names of headers alone. */
export interface DrySending {
  readonly sizeBytes: number;
  readonly edits: readonly DryEdit[];
  readonly headersRemoved: readonly string[];
  readonly headersAdded: readonly string[];
  readonly words: readonly string[];
}

const SHOWN_MAX = 60;

/** Throws as `forward` would before it sends anything. */
export function drySending(exchange: Exchange, call: Call, target: Target): DrySending {
  const { gate, request, generation, route } = exchange;
  const body = call.bodyFor(target, outputLimitFor(exchange, target.backend));
  const edits = call.bytes === null || body === null ? [] : findEdits(call, body, target);
  // Only the name is shown, so any value will do.
  const traceparent = gate.tracer === null ? null : 'traceparent';
  const sent = forwardedHeaders(exchange, call, traceparent).map(([name]) => name);
  const came = [...request.headers.keys()];
  const content = exchange.caller?.content ?? generation.content;
  const words = [
    `POST ${route.backendPath} to ${target.backend}, for its model ${target.model}`,
    ...(content === 'off' ? [] : [`prompt and answer are kept (content: ${content})`]),
    ...(gate.engines.isManaged(target.backend) ? ['llmgate runs this model server itself'] : []),
  ];
  return {
    sizeBytes: body?.byteLength ?? 0,
    edits,
    headersRemoved: came.filter((name) => !sent.includes(name)),
    headersAdded: sent.filter((name) => !came.includes(name)),
    words,
  };
}

function findEdits(call: Call, body: Uint8Array, target: Target): DryEdit[] {
  const before = parseObject(call.bytes);
  const after = parseObject(body);
  if (before === null || after === null) {
    const { model } = call.shape;
    return model === target.model ? [] : [{ member: 'model', before: model, after: target.model }];
  }
  return Object.entries(after).flatMap(([member, value]): DryEdit[] => {
    const old = before[member];
    const [was, is] = [JSON.stringify(old), JSON.stringify(value)];
    return was === is
      ? []
      : [{ member, before: old === undefined ? null : shorten(was), after: shorten(is) }];
  });
}

/** Null for a form. */
function parseObject(bytes: Uint8Array | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes ?? undefined));
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

function shorten(json: string): string {
  return neutralText(json, SHOWN_MAX);
}
