import type { Deadlines, HttpClient, OutgoingRequest } from '../backends/http1/client.ts';
import { type CollectedReply, collect, SendFailureError } from '../backends/http1/collect.ts';
import { type Origin, parseOrigin } from '../backends/origin.ts';
import { readBackendError } from '../protocols/backend-error.ts';
import { isObject } from '../protocols/call-fields.ts';
import { type BodyOptions, pathOf, renderBody } from './endpoint.ts';
import type { Prompt } from './prompt.ts';

/** A server that gets load, and what every request to it carries. */
export interface Target {
  /** As it was given, without `/v1`. */
  readonly url: string;
  readonly origin: Origin;
  readonly headers: OutgoingRequest['headers'];
  readonly deadlines: Deadlines;
}

/** Whatever keeps a benchmark from starting. `kind` decides the exit code. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  readonly kind: 'unreachable' | 'refused_key' | 'no_model';

  constructor(kind: TargetError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface TargetOptions {
  readonly url: string;
  readonly apiKey: string | null;
  readonly headers: OutgoingRequest['headers'];
  /** The longest one request may take. */
  readonly timeoutMs: number;
}

/** Throws an Error that says what is wrong with the address. `/v1` at its end may be there or not. */
export function createTarget({ url, apiKey, headers, timeoutMs }: TargetOptions): Target {
  const base = url.replace(/\/+$/, '').replace(/\/v1$/, '');
  const credentials: [string, string][] =
    apiKey === null ? [] : [['authorization', `Bearer ${apiKey}`]];
  return {
    url: base,
    origin: parseOrigin(base),
    headers: [['content-type', 'application/json'], ...credentials, ...headers],
    deadlines: {
      connectMs: Math.min(10_000, timeoutMs),
      firstByteMs: timeoutMs,
      idleMs: timeoutMs,
      totalMs: timeoutMs,
    },
  };
}

export function createRequest(
  target: Target,
  options: BodyOptions,
  prompt: Prompt,
): OutgoingRequest {
  return {
    origin: target.origin,
    method: 'POST',
    path: target.origin.basePath + pathOf(options.endpoint),
    headers: target.headers,
    body: renderBody(options, prompt),
    deadlines: target.deadlines,
  };
}

const MODELS_BYTES_MAX = 16 * 1024 * 1024;
const PROBE_MS = 10_000;

/**
 * Asks for the models, which shows that the server is there and takes the key. Returns `model`, or
 * the only or first one there is. A server without such a list will do when a model is named.
 */
export async function probeTarget(
  client: HttpClient,
  target: Target,
  model: string | null,
): Promise<string> {
  const reply = await askModels(client, target);
  if (reply.status === 401 || reply.status === 403) {
    const { message } = readBackendError(reply.body);
    throw new TargetError(
      'refused_key',
      `${target.url} refuses the key: ${message ?? 'no reason'}`,
    );
  }
  if (model !== null) return model;
  const [first] = reply.status === 200 ? readModelNames(reply.body) : [];
  if (first !== undefined) return first;
  const what = reply.status === 200 ? 'lists no model' : `answers /v1/models with ${reply.status}`;
  throw new TargetError('no_model', `${target.url} ${what}; name one with --model`);
}

async function askModels(client: HttpClient, target: Target): Promise<CollectedReply> {
  const request: OutgoingRequest = {
    origin: target.origin,
    method: 'GET',
    path: `${target.origin.basePath}/v1/models`,
    headers: target.headers.filter(([name]) => name !== 'content-type'),
    body: null,
    deadlines: { connectMs: PROBE_MS, firstByteMs: PROBE_MS, idleMs: PROBE_MS, totalMs: PROBE_MS },
  };
  try {
    return await collect(client, request, MODELS_BYTES_MAX);
  } catch (cause) {
    if (!(cause instanceof SendFailureError)) throw cause;
    const { failure } = cause;
    throw new TargetError('unreachable', `cannot reach ${failure.message}: ${failure.cause}`);
  }
}

function readModelNames(body: Uint8Array): string[] {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(body).toString());
  } catch {
    return [];
  }
  const data: unknown = isObject(list) ? list['data'] : undefined;
  if (!Array.isArray(data)) return [];
  return data.flatMap((entry: unknown) => {
    const id: unknown = isObject(entry) ? entry['id'] : undefined;
    return typeof id === 'string' && id !== '' ? [id] : [];
  });
}
