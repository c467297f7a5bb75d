import type { Dialect, Endpoint } from '../core/call.ts';
import { anthropicCountTokens, anthropicMessages } from './anthropic-messages/wire.ts';
import { openAiChat } from './openai-chat/wire.ts';
import { openAiCompletions } from './openai-completions/wire.ts';
import { openAiEmbeddings } from './openai-embeddings/wire.ts';
import {
  openAiImages,
  openAiPlain,
  openAiSpeech,
  openAiTokenize,
  openAiTranscripts,
} from './openai-plain/wire.ts';
import { openAiResponses } from './openai-responses/wire.ts';
import type { Wire } from './wire.ts';

/** One path that callers can use. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As callers write it; for a single model, with `{model}` in it. */
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly dialect: Dialect;
  readonly body: 'none' | 'json' | 'form' | 'json_or_form';
  readonly wire: Wire;
  /** What is asked of the backend, before its base URL is applied. */
  readonly backendPath: string;
}

type Body = Route['body'];

function post(endpoint: Endpoint, path: string, wire: Wire, body: Body = 'json'): Route {
  return { method: 'POST', path, endpoint, dialect: 'openai', body, wire, backendPath: path };
}

function get(endpoint: Endpoint, path: string, wire: Wire): Route {
  return { ...post(endpoint, path, wire, 'none'), method: 'GET' };
}

const LIST_MODELS = get('models', '/v1/models', openAiPlain);
const ONE_MODEL = get('models', '/v1/models/{model}', openAiPlain);

/** Every path of the data plane that takes a key. */
export const ROUTES: readonly Route[] = [
  post('chat', '/v1/chat/completions', openAiChat),
  post('completions', '/v1/completions', openAiCompletions),
  post('embeddings', '/v1/embeddings', openAiEmbeddings),
  post('responses', '/v1/responses', openAiResponses),
  { ...post('messages', '/v1/messages', anthropicMessages), dialect: 'anthropic' },
  {
    ...post('count_tokens', '/v1/messages/count_tokens', anthropicCountTokens),
    dialect: 'anthropic',
  },
  post('rerank', '/v1/rerank', openAiPlain),
  post('rerank', '/v2/rerank', openAiPlain),
  post('rerank', '/rerank', openAiPlain),
  post('score', '/v1/score', openAiPlain),
  post('score', '/score', openAiPlain),
  post('moderations', '/v1/moderations', openAiPlain),
  post('images', '/v1/images/generations', openAiImages),
  post('images', '/v1/images/edits', openAiImages, 'json_or_form'),
  post('images', '/v1/images/variations', openAiImages, 'form'),
  post('audio', '/v1/audio/speech', openAiSpeech),
  post('audio', '/v1/audio/transcriptions', openAiTranscripts, 'form'),
  post('audio', '/v1/audio/translations', openAiTranscripts, 'form'),
  post('tokenize', '/tokenize', openAiTokenize),
  post('detokenize', '/detokenize', openAiTokenize),
  LIST_MODELS,
  ONE_MODEL,
];

export interface FoundRoute {
  readonly route: Route;
  /** Set for `GET /v1/models/{model}`: the id, decoded. May hold slashes. */
  readonly modelId?: string;
}

const BY_PATH = new Map(ROUTES.map((route) => [route.path, { route }]));
BY_PATH.delete(ONE_MODEL.path);
const MODEL_PREFIX = `${LIST_MODELS.path}/`;

/**
 * Paths match byte for byte: other spellings of a path (`//`, `%2f`, `;x`, case, a trailing slash
 * or dot) are unknown, so no rule that goes by path can be dodged.
 */
export function findRoute(
  method: string,
  pathname: string,
): FoundRoute | 'unknown' | 'wrong_method' {
  const found = BY_PATH.get(pathname) ?? findModel(pathname);
  if (found === undefined) return 'unknown';
  return found.route.method === method ? found : 'wrong_method';
}

function findModel(pathname: string): FoundRoute | undefined {
  if (!pathname.startsWith(MODEL_PREFIX) || pathname.length === MODEL_PREFIX.length)
    return undefined;
  const raw = pathname.slice(MODEL_PREFIX.length);
  return { route: ONE_MODEL, modelId: decoded(raw) };
}

/** Clients send the slash of an id as it is or as `%2F`; the id is only ever looked up by name. */
function decoded(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}
