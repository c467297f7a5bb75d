import { GateError } from '../core/error.ts';
import { isModelName, isObject } from './call-fields.ts';

/** A model that a backend says it serves. */
export interface DiscoveredModel {
  readonly id: string;
  /** Longest input and output together, where the engine says so; null otherwise. */
  readonly contextTokens: number | null;
}

const MAX_MODELS = 10_000;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a backend's model list: OpenAI's `data`, the `models` of Ollama and llama.cpp, or a bare
 * list. Entries without a usable name are left out.
 * @throws GateError `backend_protocol_error` when it is no list at all.
 */
export function readModelList(body: Uint8Array): DiscoveredModel[] {
  const entries = listIn(parse(body));
  if (entries === undefined) throw notAList();
  const found = new Map<string, DiscoveredModel>();
  for (const entry of entries.slice(0, MAX_MODELS)) {
    const fields = typeof entry === 'string' ? { id: entry } : entry;
    if (!isObject(fields)) continue;
    const id = fields['id'] ?? fields['model'] ?? fields['name'];
    if (typeof id !== 'string' || !isModelName(id) || found.has(id)) continue;
    found.set(id, { id, contextTokens: contextOf(fields) });
  }
  return [...found.values()];
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch (cause) {
    throw notAList(cause);
  }
}

function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return undefined;
  const list = value['data'] ?? value['models'];
  // Ollama without any model says `"data": null`.
  if (list === undefined && value['object'] === 'list') return [];
  return Array.isArray(list) ? list : undefined;
}

/** vLLM and SGLang, then llama.cpp, then vendors that list several. */
function contextOf(fields: Readonly<Record<string, unknown>>): number | null {
  const meta = isObject(fields['meta']) ? fields['meta'] : {};
  const stated = fields['max_model_len'] ?? meta['n_ctx'] ?? fields['context_length'];
  const isCount = typeof stated === 'number' && Number.isSafeInteger(stated) && stated > 0;
  return isCount ? stated : null;
}

function notAList(cause?: unknown): GateError {
  return new GateError('backend_protocol_error', 'The backend did not answer with a model list.', {
    cause,
  });
}
