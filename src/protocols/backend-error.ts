import { isObject } from './call-fields.ts';
import { neutralText } from './neutral-text.ts';

/** What a backend said about its own failure; null where it said nothing usable. */
export interface BackendError {
  readonly message: string | null;
  readonly type: string | null;
  readonly code: string | null;
  readonly param: string | null;
}

const MAX_BODY_BYTES = 256 * 1024;
const MAX_MESSAGE = 500;
const MAX_WORD = 100;
const NONE: BackendError = { message: null, type: null, code: null, param: null };
const utf8 = new TextDecoder('utf-8');

/**
 * Reads the body of an error reply, whichever way the engine writes errors: OpenAI's and
 * Anthropic's objects, Ollama's plain text, vLLM's flat object, FastAPI's `detail`, or plain text.
 * Never throws; HTML says nothing.
 */
export function readBackendError(body: Uint8Array): BackendError {
  const text = utf8.decode(body.subarray(0, MAX_BODY_BYTES)).trim();
  try {
    return fromErrorValue(JSON.parse(text));
  } catch {
    return text.startsWith('<') ? NONE : { ...NONE, message: word(text, MAX_MESSAGE) };
  }
}

/** Whether a reply or a frame is an error object, whatever status it came with. */
export function isErrorValue(value: Readonly<Record<string, unknown>>): boolean {
  return Boolean(value['error']) || value['object'] === 'error' || value['type'] === 'error';
}

/** The same for a body that is already parsed, such as a frame of a stream. */
export function fromErrorValue(value: unknown): BackendError {
  if (typeof value === 'string') return { ...NONE, message: word(value, MAX_MESSAGE) };
  if (!isObject(value)) return NONE;
  const inner = value['error'];
  if (typeof inner === 'string') {
    return { ...fields(value), message: word(inner, MAX_MESSAGE) };
  }
  if (isObject(inner)) return fields(inner);
  const detail = value['detail'];
  if (detail !== undefined) return { ...NONE, ...fromDetail(detail) };
  return fields(value);
}

function fields(from: Readonly<Record<string, unknown>>): BackendError {
  const code = from['code'];
  return {
    message: word(from['message'], MAX_MESSAGE),
    type: word(from['type'], MAX_WORD),
    code: word(typeof code === 'number' ? String(code) : code, MAX_WORD),
    param: word(from['param'], MAX_WORD),
  };
}

/** FastAPI: a text, or a list of `{loc, msg}` of which the first is told. */
function fromDetail(detail: unknown): Partial<BackendError> {
  if (typeof detail === 'string') return { message: word(detail, MAX_MESSAGE) };
  const first: unknown = Array.isArray(detail) ? detail[0] : detail;
  if (!isObject(first)) return {};
  const place = first['loc'];
  return {
    message: word(first['msg'] ?? first['message'], MAX_MESSAGE),
    type: word(first['type'], MAX_WORD),
    param: Array.isArray(place) ? word(place.slice(1).join('.'), MAX_WORD) : null,
  };
}

function word(value: unknown, maxLength: number): string | null {
  if (typeof value !== 'string') return null;
  const text = neutralText(value, maxLength);
  return text === '' ? null : text;
}
