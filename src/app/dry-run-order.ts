import type { LiveDryRunOrder } from '../admin/live-explain.ts';
import { OperationError } from '../admin/operation-error.ts';
import { GateError } from '../core/error.ts';
import type { BackendNow, DryOrder } from '../gateway/dry-run.ts';
import { parseJsonBody, spliceJson } from '../protocols/json-body.ts';
import { JSON_CAPS } from '../protocols/json-scan.ts';
import { ROUTES, type Route } from '../protocols/route.ts';

/** What an operator asks for, as a request that could come. Throws `invalid` for an unknown endpoint. */
export function toDryOrder(
  { key, model, endpoint, headers, body }: LiveDryRunOrder,
  backendNow: (id: string) => BackendNow | undefined,
): DryOrder {
  const route = findPostRoute(endpoint);
  const given = Object.entries(headers).map(([name, value]) => checkHeader(name, value));
  return {
    ...{ key, route, headers: given, backendNow },
    body: body === null ? leastBody(route, model) : withModel(body, model),
  };
}

/** By the name of an endpoint its usual path, or the path itself. */
function findPostRoute(endpoint: string): Route {
  const posts = ROUTES.filter(({ method }) => method === 'POST');
  const found = posts.find((route) => route.path === endpoint || route.endpoint === endpoint);
  if (found !== undefined) return found;
  const names = [...new Set(posts.map((route) => route.endpoint))].join(', ');
  throw new OperationError(
    'invalid',
    `endpoint: "${endpoint}" names no model; there is ${names}, and the paths of these`,
  );
}

function checkHeader(name: string, value: string): [string, string] {
  try {
    // What no client could send, no client would be told of.
    new Headers([[name, value]]);
  } catch {
    throw new OperationError('invalid', `headers: "${name}" is no header, or its value is none`);
  }
  return [name.toLowerCase(), value];
}

/** The shortest thing to ask; forms have none, and are told what they must be. */
function leastBody(route: Route, model: string | null): Uint8Array {
  const asked = LEAST[route.path] ?? LEAST[route.endpoint] ?? {};
  return toBytes({ ...(model === null ? {} : { model }), ...asked });
}

const MESSAGES = { messages: [{ role: 'user', content: 'Hello' }] };

const LEAST: Readonly<Record<string, object>> = {
  chat: MESSAGES,
  messages: { max_tokens: 1_024, ...MESSAGES },
  count_tokens: MESSAGES,
  completions: { prompt: 'Hello' },
  responses: { input: 'Hello' },
  embeddings: { input: 'Hello' },
  moderations: { input: 'Hello' },
  rerank: { query: 'Hello', documents: ['Hello'] },
  score: { text_1: 'Hello', text_2: 'Hello' },
  images: { prompt: 'A tree' },
  '/v1/audio/speech': { input: 'Hello', voice: 'alloy' },
  tokenize: { prompt: 'Hello' },
  detokenize: { tokens: [1] },
};

/** The body with another model, every other byte as it is; one that cannot be read is left to `read`. */
function withModel(body: Uint8Array, model: string | null): Uint8Array {
  if (model === null) return body;
  try {
    const json = JSON.stringify(model);
    return spliceJson(parseJsonBody(body, JSON_CAPS), [{ member: 'model', json }]);
  } catch (cause) {
    if (cause instanceof GateError) return body;
    throw cause;
  }
}

function toBytes(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
