import { GateError } from '../core/error.ts';
import { type FormBody, parseForm, spliceForm } from '../protocols/form-body.ts';
import { type Edit, type JsonBody, parseJsonBody, spliceJson } from '../protocols/json-body.ts';
import { JSON_CAPS } from '../protocols/json-scan.ts';
import type { Route } from '../protocols/route.ts';
import type { CallShape, ChatLimit } from '../protocols/wire.ts';
import type { Target } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';

/** What one request asks for, and the bytes it asked with. */
export interface Call {
  readonly shape: CallShape;
  readonly contentType: string | null;
  /** The body as it came. */
  readonly bytes: Uint8Array | null;
  /**
   * What the model reads, for affinity: `seed` stands before every history of the same tools and
   * instructions, `bytes` is the history as it came. Null where there is no text to be cached.
   */
  readonly prompt:
    | ((model: string) => { readonly seed: string; readonly bytes: Uint8Array })
    | null;
  /** A top-level member as text: strings without quotes, the rest as JSON. Null when absent. */
  parameter(name: string): string | null;
  /** The body for a target: the caller's own bytes, with only what must differ spliced in. */
  bodyFor(target: Target, limit: OutputLimit | null): Uint8Array | null;
}

/** Where the backend must stop. */
export interface OutputLimit {
  /** Output tokens of one choice. */
  readonly tokens: number;
  /** The name that this backend knows it by in a chat. */
  readonly chatMember: ChatLimit;
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
  bytes: null,
  prompt: null,
  parameter: () => null,
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
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(exchange);
  } catch (cause) {
    if (cause instanceof GateError) throw cause;
    throw new GateError('caller_gone', 'The caller left while sending the body.', { cause });
  }
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
    bytes: body.bytes,
    prompt: (model) => promptOf(body, model),
    parameter: (name) => parameterOf(body, name),
    bodyFor(target, limit) {
      let edits = target.model === shape.model ? shape.edits : [...shape.edits, rename(target)];
      if (limit !== null && route.wire.limitOutput !== undefined) {
        edits = [...edits, ...route.wire.limitOutput(body, limit.tokens, limit.chatMember)];
      }
      return edits.length === 0 ? body.bytes : spliceJson(body, edits);
    },
  };
}

/** Members that a chat template puts before the history, and those that are the history. */
const SEED_MEMBERS = ['tools', 'system', 'instructions'];
const HISTORY_MEMBERS = ['messages', 'input', 'prompt'];

function promptOf({ bytes, scan }: JsonBody, model: string) {
  let seed = model;
  for (const member of SEED_MEMBERS) {
    const range = scan.find(member);
    if (range !== undefined) seed += `\n${Bun.hash(bytes.subarray(range.start, range.end))}`;
  }
  const history = HISTORY_MEMBERS.map((member) => scan.find(member)).find(Boolean);
  return { seed, bytes: history ? bytes.subarray(history.start, history.end) : NO_BYTES };
}

const NO_BYTES = new Uint8Array(0);

function parameterOf({ value }: JsonBody, name: string): string | null {
  if (!Object.hasOwn(value, name)) return null;
  const found = value[name];
  return typeof found === 'string' ? found : JSON.stringify(found);
}

function readForm(route: Route, form: FormBody, contentType: string | null): Call {
  if (route.wire.readForm === undefined) {
    throw new GateError('unsupported_media_type', 'This endpoint takes JSON, not a form.');
  }
  const shape = route.wire.readForm(form);
  return {
    shape,
    contentType,
    bytes: form.bytes,
    prompt: null,
    parameter: (name) => form.fields.get(name)?.value ?? null,
    bodyFor: (target) =>
      target.model === shape.model
        ? form.bytes
        : spliceForm(form, [{ member: 'model', json: target.model }]),
  };
}

function rename(target: Target): Edit {
  return { member: 'model', json: JSON.stringify(target.model) };
}

function bodyKind(route: Route, contentType: string | null): 'json' | 'form' {
  // What nearly every client sends needs no taking apart.
  if (contentType === 'application/json' && route.body !== 'form') return 'json';
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isJson = mediaType === 'application/json' || mediaType.endsWith('+json');
  if (isJson && route.body !== 'form') {
    if (isUtf8(contentType ?? '')) return 'json';
    throw new GateError('unsupported_media_type', 'JSON is read as UTF-8 and nothing else.');
  }
  if (mediaType === 'multipart/form-data' && route.body !== 'json') return 'form';
  const wanted = route.body === 'form' ? 'multipart/form-data' : 'application/json';
  throw new GateError('unsupported_media_type', `Send this request with Content-Type: ${wanted}.`);
}

/** A backend could honour another charset and read another request than we have checked. */
function isUtf8(contentType: string): boolean {
  const charsets = contentType.matchAll(/;\s*charset\s*=\s*"?([^\s";]*)/gi);
  return charsets.every(([, charset]) => /^(utf-?8|us-ascii)$/i.test(charset ?? ''));
}

/** A length is only a promise: of a longer body counts what has come, or promises could fill up. */
const PROMISED_BYTES_MAX = 1024 * 1024;

/** The whole body. A long one, and one of unstated length, is counted while it arrives. */
function readBytes(exchange: Exchange): Promise<Uint8Array> {
  const { request, generation } = exchange;
  const { maxBodyBytes } = generation;
  const declared = request.headers.get('content-length');
  if (declared === null) return countedBytes(exchange, maxBodyBytes);
  // A length sent twice arrives as "5, 5"; two that differ never get this far.
  const sizeBytes = Number.parseInt(declared, 10);
  if (sizeBytes > maxBodyBytes) throw tooLarge(maxBodyBytes);
  if (sizeBytes > PROMISED_BYTES_MAX) return countedBytes(exchange, maxBodyBytes);
  exchange.takeBytes(sizeBytes);
  return request.bytes();
}

async function countedBytes(exchange: Exchange, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of exchange.request.body ?? []) {
    sizeBytes += part.byteLength;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    exchange.takeBytes(part.byteLength);
    parts.push(part);
  }
  return Buffer.concat(parts, sizeBytes);
}

function tooLarge(maxBytes: number): GateError {
  return new GateError('request_too_large', `The body is larger than ${maxBytes} bytes.`);
}
