import { type Backend, createBackend } from '../backends/backend.ts';
import type { HttpClient } from '../backends/http1/client.ts';
import { createSender } from '../backends/sender.ts';
import type { BackendConfig, Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { BackendFacts, Generation } from '../gateway/gate.ts';

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
  readonly clock: Clock;
  /** The one before, whose credentials may be cooling down; none at the start. */
  readonly previous?: BuiltGeneration;
}

/** Works out everything a request would otherwise have to. Throws when a backend URL is unusable. */
export function createGeneration(
  config: Config,
  { number, client, clock, previous }: BuildOptions,
): BuiltGeneration {
  const known = new Map(previous?.backends.map((backend) => [backend.id, backend]));
  const backends = config.backends.map((each) => createBackend(each, known.get(each.id)));
  const sender = createSender({
    client,
    clock,
    backends: new Map(backends.map((backend) => [backend.id, backend])),
    deadlines: config.timeouts,
  });
  const generation: Generation = {
    number,
    sender,
    secrets: secretsOf(backends),
    backends: new Map(config.backends.map((each) => [each.id, toFacts(each)])),
    unpricedModels: config.unpricedModels,
    maxBodyBytes: config.maxBodyBytes,
    idleMs: config.timeouts.idleMs,
    totalMs: config.timeouts.totalMs,
    retries: config.retries,
    queue: config.queue,
    overload: config.overload,
    content: config.audit.content,
    onAuditFailure: config.audit.onFailure,
  };
  return { config, generation, backends };
}

function toFacts({ type, labels, resend }: BackendConfig): BackendFacts {
  return { isOpenAi: type === 'openai', labels, mayResend: resend };
}

/** Credentials of every backend, longest first, so that no part of one is left when struck out. */
function secretsOf(backends: readonly Backend[]): readonly string[] {
  const secrets = new Set(backends.flatMap((backend) => backend.secrets));
  return [...secrets].toSorted((a, b) => b.length - a.length);
}
