import { isObject } from '../protocols/call-fields.ts';
import { readModelList } from '../protocols/model-discovery.ts';

/** An inference engine that runs on this machine. */
export interface FoundEngine {
  /** A backend type of the configuration. */
  readonly type: EngineType;
  readonly url: string;
  /** In the engine's order; empty when it has loaded none. */
  readonly modelIds: readonly string[];
}

export type EngineType =
  | 'ollama'
  | 'vllm'
  | 'llamacpp'
  | 'tgi'
  | 'sglang'
  | 'trtllm'
  | 'openai_compatible';

export interface ProbeReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headerNames: readonly string[];
  readonly body: Uint8Array;
}

/** A GET that gives up after `deadlineMs`. null for anything that is not a whole HTTP reply. */
export type Probe = (url: string, path: string, deadlineMs: number) => Promise<ProbeReply | null>;

/** Where engines listen unless told otherwise, in the order in which they are listed. */
const PORTS = [
  8000, // vLLM, TensorRT-LLM, llama-cpp-python
  30000, // SGLang
  3000, // TGI
  8080, // llama.cpp, TGI
  11434, // Ollama
  1234, // LM Studio
];

/** Engines on this machine answer in a millisecond; nobody should wait for those that are not. */
const DEADLINE_MS = 300;

/**
 * Looks for engines on their usual ports, all at once. Takes at most twice the deadline. llmgate
 * itself is never taken for one: it answers nobody without a key, and marks what it answers.
 */
export async function findLocalEngines({
  probe,
  ports = PORTS,
}: {
  readonly probe: Probe;
  readonly ports?: readonly number[];
}): Promise<FoundEngine[]> {
  const found = await Promise.all(ports.map((port) => lookAt(`http://127.0.0.1:${port}`, probe)));
  return found.filter((engine) => engine !== null);
}

async function lookAt(url: string, probe: Probe): Promise<FoundEngine | null> {
  const reply = await probe(url, '/v1/models', DEADLINE_MS);
  if (reply === null || reply.status === 401 || isOurs(reply)) return null;
  const modelIds = reply.status === 200 ? modelIdsIn(reply.body) : null;
  const named = modelIds === null ? undefined : typeByOwner(reply.body);
  const type = named ?? (await typeByOwnPages(url, probe));
  // Some web server that happens to be there: neither a model list nor a sign of an engine.
  if (modelIds === null && type === undefined) return null;
  return { type: type ?? 'openai_compatible', url, modelIds: modelIds ?? [] };
}

function isOurs({ headerNames }: ProbeReply): boolean {
  return headerNames.some((name) => name.startsWith('x-llmgate-'));
}

function modelIdsIn(body: Uint8Array): string[] | null {
  try {
    return readModelList(body).map(({ id }) => id);
  } catch {
    return null;
  }
}

/** What the engines write in `owned_by` of their own models. TGI writes the model id. */
const OWNERS: ReadonlyMap<string, EngineType> = new Map([
  ['vllm', 'vllm'],
  ['sglang', 'sglang'],
  ['llamacpp', 'llamacpp'],
  ['tensorrt_llm', 'trtllm'],
]);

function typeByOwner(body: Uint8Array): EngineType | undefined {
  const list = toObject(body)['data'];
  const [first] = Array.isArray(list) ? list : [];
  const owner = isObject(first) ? first['owned_by'] : undefined;
  return typeof owner === 'string' ? OWNERS.get(owner) : undefined;
}

/** Pages that only one engine has, for those that do not sign their model list. */
async function typeByOwnPages(url: string, probe: Probe): Promise<EngineType | undefined> {
  const page = async (path: string) => {
    const reply = await probe(url, path, DEADLINE_MS);
    return reply?.status === 200 && !isOurs(reply) ? toObject(reply.body) : {};
  };
  const [version, info, props] = await Promise.all([
    page('/api/version'),
    page('/info'),
    page('/props'),
  ]);
  if (typeof version['version'] === 'string') return 'ollama';
  if (typeof info['model_id'] === 'string' && typeof info['version'] === 'string') return 'tgi';
  if (isObject(props['default_generation_settings'])) return 'llamacpp';
  return undefined;
}

function toObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
