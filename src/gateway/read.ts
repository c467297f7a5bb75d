import { GateError } from '../core/error.ts';
import { type FormBody, parseForm, spliceForm } from '../protocols/form-body.ts';
import { type Edit, type JsonBody, parseJsonBody, spliceJson } from '../protocols/json-body.ts';
import { JSON_CAPS } from '../protocols/json-scan.ts';
import type { Route } from '../protocols/route.ts';
import type { CallShape } from '../protocols/wire.ts';
import type { Target } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';

/** What one request asks for, and the bytes it asked with. */
export interface Call {
  readonly shape: CallShape;
  readonly contentType: string | null;
  /** The body for a target: the caller's own bytes, with only what must differ spliced in. */
  bodyFor(target: Target): Uint8Array | null;
}

const NOTHING: Call = {
  shape: {
    model: '',
    stream: false,
    usageRequested: false,
    maxOutputTokens: null,
    choices: 1,
    inputTokens: 0,
    edits: [],
  },
  contentType: null,
  bodyFor: () => null,
};

/** What do they ask? Reads and parses the body once. Throws 400, 413 and 415. */
export async function read(exchange: Exchange): Promise<Call> {
  const { request, route } = exchange;
  if (route.body === 'none') return remember(exchange, NOTHING);
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new GateError(
      'unsupported_media_type',
      'Compressed request bodies are not accepted; send the body without Content-Encoding.',
    );
  }
  const contentType = request.headers.get('content-type');
  const kind = bodyKind(route, contentType);
  const bytes = await readBytes(exchange);
  const call =
    kind === 'json'
      ? readJson(route, parseJsonBody(bytes, JSON_CAPS), contentType)
      : readForm(route, parseForm(bytes, contentType ?? ''), contentType);
  return remember(exchange, call);
}

function remember(exchange: Exchange, call: Call): Call {
  exchange.call = call;
  return call;
}

function readJson(route: Route, body: JsonBody, contentType: string | null): Call {
  const shape = route.wire.readCall(body);
  return {
    shape,
    contentType,
    bodyFor(target) {
      const edits = [...shape.edits, ...modelEdit(shape, target)];
      return edits.length === 0 ? body.bytes : spliceJson(body, edits);
    },
  };
}

function readForm(route: Route, form: FormBody, contentType: string | null): Call {
  if (route.wire.readForm === undefined) {
    throw new GateError('unsupported_media_type', 'This endpoint takes JSON, not a form.');
  }
  const shape = route.wire.readForm(form);
  return {
    shape,
    contentType,
    bodyFor: (target) =>
      target.model === shape.model
        ? form.bytes
        : spliceForm(form, [{ member: 'model', json: target.model }]),
  };
}

function modelEdit(shape: CallShape, target: Target): Edit[] {
  if (target.model === shape.model) return [];
  return [{ member: 'model', json: JSON.stringify(target.model) }];
}

function bodyKind(route: Route, contentType: string | null): 'json' | 'form' {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isJson = mediaType === 'application/json' || mediaType.endsWith('+json');
  if (isJson && route.body !== 'form') return 'json';
  if (mediaType === 'multipart/form-data' && route.body !== 'json') return 'form';
  const wanted = { json: 'application/json', form: 'multipart/form-data' }[
    route.body === 'form' ? 'form' : 'json'
  ];
  throw new GateError('unsupported_media_type', `Send this request with Content-Type: ${wanted}.`);
}

/** The whole body, counted while it arrives: a declared length proves nothing. */
async function readBytes(exchange: Exchange): Promise<Uint8Array> {
  const { request } = exchange;
  const maxBytes = exchange.generation.maxBodyBytes;
  const declared = request.headers.get('content-length');
  if (declared !== null) {
    if (Number(declared) > maxBytes) throw tooLarge(maxBytes);
    return await request.bytes().catch(bodyLost);
  }
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  if (request.body === null) return new Uint8Array(0);
  try {
    for await (const part of request.body) {
      sizeBytes += part.byteLength;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      parts.push(part);
    }
  } catch (cause) {
    if (cause instanceof GateError) throw cause;
    bodyLost(cause);
  }
  return Buffer.concat(parts, sizeBytes);
}

function tooLarge(maxBytes: number): GateError {
  return new GateError('request_too_large', `The body is larger than ${maxBytes} bytes.`);
}

function bodyLost(cause: unknown): never {
  throw new GateError('caller_gone', 'The caller left while sending the body.', { cause });
}
