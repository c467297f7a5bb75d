import { resolve } from 'node:path';
import { parseBackendUrl } from './backend-url.ts';
import { getSecret, type Secrets, secretKey } from './check-references.ts';
import type { BackendConfig, BackendType, ProcessConfig } from './config.ts';
import { resolveCommand } from './process-command.ts';
import { itemsOf } from './raw.ts';
import { durationOrOff } from './resolve-pool.ts';
import type { ConfigFile } from './schema.ts';
import { OPENAI_URL } from './schema-backends.ts';
import { hasReference } from './secrets.ts';
import { parseDuration, parseSize } from './units.ts';

type BackendFile = ConfigFile['backends'][string];
type ProcessFile = NonNullable<BackendFile['process']>;

/** What is known of a type of server: its own paths, and whether asking twice costs money. */
interface Habits {
  readonly health: string | null;
  readonly metrics: string | null;
  readonly resend: boolean;
}

const VENDOR: Habits = { health: null, metrics: null, resend: false };
const ENGINE: Habits = { health: '/health', metrics: '/metrics', resend: true };

const HABITS: Readonly<Record<BackendType, Habits>> = {
  vllm: ENGINE,
  sglang: ENGINE,
  llamacpp: ENGINE,
  tgi: ENGINE,
  trtllm: { ...ENGINE, metrics: '/prometheus/metrics' },
  ollama: { health: '/', metrics: null, resend: true },
  openai: VENDOR,
  openai_compatible: VENDOR,
};

interface Places {
  readonly secrets: Secrets;
  /** Where relative paths start from. */
  readonly folder: string;
}

export function resolveBackend(id: string, file: BackendFile, places: Places): BackendConfig {
  const path = ['backends', id];
  const { secrets } = places;
  const habits = HABITS[file.type];
  const healthPath = pathOr(file.health, habits.health);
  const apiKeyPaths =
    typeof file.api_key === 'string'
      ? [[...path, 'api_key']]
      : itemsOf(file.api_key).map((_, index) => [...path, 'api_key', index]);
  return {
    id,
    type: file.type,
    url: parseBackendUrl(file.url ?? OPENAI_URL),
    apiKeys: apiKeyPaths.map((each) => getSecret(secrets, each)),
    headers: Object.entries(file.headers).map(([name, value]) => [
      name.toLowerCase(),
      secrets.get(secretKey([...path, 'headers', name])) ?? value,
    ]),
    discover: file.discover,
    weight: file.weight,
    maxConcurrency: file.max_concurrency ?? null,
    labels: file.labels,
    resend: file.resend ?? habits.resend,
    healthPath,
    metricsPath: pathOr(file.metrics, habits.metrics),
    process:
      file.process === undefined
        ? null
        : resolveProcess(file.process, {
            readyPath: healthPath ?? '/health',
            folder: places.folder,
            secretAt: (name) => secrets.get(secretKey([...path, 'process', 'env', name])),
          }),
  };
}

function pathOr(written: string | undefined, usual: string | null): string | null {
  return written === 'off' ? null : (written ?? usual);
}

interface ProcessPlaces {
  readonly readyPath: string;
  readonly folder: string;
  secretAt(name: string): string | undefined;
}

function resolveProcess(file: ProcessFile, places: ProcessPlaces): ProcessConfig {
  const variables = Object.entries(file.env).map(([name, written]) => {
    const value = places.secretAt(name) ?? String(written);
    return { name, value, isSecret: typeof written === 'string' && hasReference(written) };
  });
  return {
    command: resolveCommand(file.command, places.folder),
    env: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
    secrets: variables.filter(({ isSecret }) => isSecret).map(({ value }) => value),
    cwd: file.cwd === undefined ? null : resolve(places.folder, file.cwd),
    readyPath: file.ready ?? places.readyPath,
    readyTimeoutMs: parseDuration(file.ready_timeout),
    stopTimeoutMs: parseDuration(file.stop_timeout),
    maxWaitMs: durationOrOff(file.max_wait) ?? 0,
    idleTtlMs: file.idle_ttl === undefined ? null : parseDuration(file.idle_ttl),
    minResidencyMs: parseDuration(file.min_residency),
    gpus: file.gpus,
    memoryBytes: file.memory === undefined ? null : parseSize(file.memory),
    group: file.group ?? null,
    preload: file.preload,
  };
}
