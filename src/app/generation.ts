import { type Backend, createBackend } from '../backends/backend.ts';
import type { HttpClient } from '../backends/http1/client.ts';
import { createSender } from '../backends/sender.ts';
import type { BackendConfig, Config } from '../config/config.ts';
import type { Generation } from '../gateway/gate.ts';

/** A configuration made ready for requests. */
export interface BuiltGeneration {
  readonly config: Config;
  readonly generation: Generation;
  readonly backends: readonly Backend[];
}

interface BuildOptions {
  readonly number: number;
  /** Shared by all generations, so that a reload keeps its warm connections. */
  readonly client: HttpClient;
}

/** Works out everything a request would otherwise have to. Throws when a backend URL is unusable. */
export function createGeneration(
  config: Config,
  { number, client }: BuildOptions,
): BuiltGeneration {
  const backends = config.backends.map(createBackend);
  const sender = createSender({
    client,
    backends: new Map(backends.map((backend) => [backend.id, backend])),
    deadlines: config.timeouts,
  });
  const generation: Generation = {
    number,
    sender,
    secrets: secretsOf(backends),
    openAiBackends: new Set(config.backends.filter(isOpenAi).map(({ id }) => id)),
    unpricedModels: config.unpricedModels,
    maxBodyBytes: config.maxBodyBytes,
    idleMs: config.timeouts.idleMs,
    totalMs: config.timeouts.totalMs,
    content: config.audit.content,
    onAuditFailure: config.audit.onFailure,
  };
  return { config, generation, backends };
}

function isOpenAi({ type }: BackendConfig): boolean {
  return type === 'openai';
}

/** Shorter values are words such as a team's name, which error texts may well hold. */
const SECRET_LENGTH_MIN = 8;

/** Every part of a header that we send of our own, schemes such as `Bearer` aside; longest first. */
function secretsOf(backends: readonly Backend[]): readonly string[] {
  const parts = backends.flatMap(({ headers }) =>
    headers.flatMap(([, value]) => value.split(/\s+/)),
  );
  const secrets = new Set(parts.filter((part) => part.length >= SECRET_LENGTH_MIN));
  return [...secrets].toSorted((a, b) => b.length - a.length);
}
