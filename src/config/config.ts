import type { ContentMode } from '../core/key.ts';
import type { Price } from '../core/price.ts';
import type { LimitRule } from '../limits/rule.ts';
import type { LogLevels } from '../observe/log-levels.ts';
import type { BudgetRule } from '../pricing/budget-rule.ts';
import type { Balance } from '../routing/balance.ts';
import type { FallbackCause } from '../routing/fallback-cause.ts';
import type { Hedge, SessionSource } from '../routing/model-table.ts';
import type { RequestCondition } from '../routing/request-condition.ts';

export const BACKEND_TYPES = [
  'vllm',
  'tgi',
  'trtllm',
  'sglang',
  'ollama',
  'llamacpp',
  'openai',
  'openai_compatible',
] as const;
export type BackendType = (typeof BACKEND_TYPES)[number];

/** The gateway's configuration with every default filled in, every unit parsed, every secret resolved. */
export interface Config {
  readonly listen: Listen;
  readonly dataDir: string;
  readonly durability: 'process' | 'full';
  readonly backends: readonly BackendConfig[];
  readonly models: readonly ModelConfig[];
  readonly timeouts: Timeouts;
  readonly retries: RetryConfig;
  readonly queue: QueueConfig;
  readonly health: HealthConfig;
  readonly overload: OverloadConfig;
  readonly admin: AdminConfig;
  readonly metrics: MetricsConfig;
  /** null: nothing is traced. */
  readonly traces: TracesConfig | null;
  readonly gpu: 'auto' | 'off';
  readonly limits: readonly LimitRule[];
  readonly budgets: readonly BudgetRule[];
  readonly unpricedModels: 'allow' | 'deny';
  readonly maxBodyBytes: number;
  /** IANA name of the zone whose calendar budgets follow. */
  readonly timezone: string;
  readonly audit: AuditConfig;
  readonly usage: { readonly retentionMs: number };
  readonly alerts: AlertsConfig;
  readonly scaleHooks: readonly ScaleHookConfig[];
  readonly log: LogConfig;
}

export interface AuditConfig {
  /** For keys that say nothing themselves. */
  readonly content: ContentMode;
  /** The key that data keys are wrapped with, then older ones that can still unwrap; 32 bytes each. */
  readonly contentKeys: readonly Uint8Array[];
  /** The most that is kept of one body. */
  readonly contentCapBytes: number;
  readonly contentRetentionMs: number;
  /** Rows of requests. */
  readonly retentionMs: number;
  /** Administrative events. */
  readonly adminRetentionMs: number;
  /** Whether requests are served while they cannot be recorded. */
  readonly onFailure: 'refuse' | 'allow';
  readonly checkpointIntervalMs: number;
  /** PEM of an Ed25519 private key; null makes one in the data directory. */
  readonly signingKey: string | null;
  readonly exports: readonly ExportConfig[];
}

/** Where the audit trail is copied to. `id` names its place in the books and its counters. */
export type ExportConfig =
  | { readonly type: 'file'; readonly id: string; readonly path: string }
  | {
      readonly type: 'syslog';
      readonly id: string;
      readonly transport: 'udp' | 'tcp' | 'tls';
      readonly hostname: string;
      readonly port: number;
    }
  | {
      readonly type: 's3';
      readonly id: string;
      /** Scheme, host and port. */
      readonly endpoint: string;
      readonly region: string;
      readonly bucket: string;
      readonly prefix: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    }
  | ({ readonly type: 'webhook'; readonly id: string } & WebhookConfig);

/** Deliveries are signed with the secret, as Standard Webhooks describes. */
export interface WebhookConfig {
  readonly url: string;
  readonly secret: string;
}

export interface Listen {
  readonly hostname: string;
  readonly port: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}

export interface BackendConfig {
  readonly id: string;
  readonly type: BackendType;
  /** Scheme, host, port and path prefix; no trailing slash, no trailing `/v1`. */
  readonly url: string;
  /** Resolved secrets, used in turn when one is refused; never printed. Empty for none. */
  readonly apiKeys: readonly string[];
  /** Sent with every request to this backend; names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Ask `/v1/models` for what it serves. When false only configured models reach it. */
  readonly discover: boolean;
  /** Share beside the other targets of a model, for `weighted`; 1 is usual. */
  readonly weight: number;
  /** Requests it may have at once; null when nobody has said. */
  readonly maxConcurrency: number | null;
  /** Words that rules may ask for, such as `local`. */
  readonly labels: readonly string[];
  /** Whether a request may be sent elsewhere although this backend may have worked on it. */
  readonly resend: boolean;
  /** Path that says whether it is well; null when only requests show it (vendors). */
  readonly healthPath: string | null;
  /** Path of its metrics in Prometheus' format; null when they are not read. */
  readonly metricsPath: string | null;
  /** How llmgate starts it; null when somebody else does. */
  readonly process: ProcessConfig | null;
}

/** A model server that llmgate starts when a request needs it. */
export interface ProcessConfig {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** Besides a few harmless variables nothing of llmgate's own environment is passed on. */
  readonly env: Readonly<Record<string, string>>;
  /** Values of `env` that were references: never to be seen in what it prints. */
  readonly secrets: readonly string[];
  readonly cwd: string | null;
  /** Path that answers 200 once it can serve. */
  readonly readyPath: string;
  readonly readyTimeoutMs: number;
  /** Longest wait after SIGTERM before SIGKILL. */
  readonly stopTimeoutMs: number;
  /** Longest wait of a request for its start; 0: it is told at once that the model is loading. */
  readonly maxWaitMs: number;
  /** Unused for this long it is stopped; null keeps it. */
  readonly idleTtlMs: number | null;
  /** It is not stopped for another one earlier than this after it was ready. */
  readonly minResidencyMs: number;
  /** Indices of the GPUs that it uses; empty for none. */
  readonly gpus: readonly number[];
  /** What it takes of each of those GPUs, or of the machine when there are none; null: all of it. */
  readonly memoryBytes: number | null;
  /** Of the processes of one group only one runs at a time; null for none. */
  readonly group: string | null;
  /** Started with the gateway and again after a crash, not only when needed. */
  readonly preload: boolean;
}

/** Who is told that more machines are wanted behind a model or a backend, or fewer. */
export interface ScaleHookConfig {
  readonly name: string;
  readonly subject: { readonly kind: 'model' | 'backend'; readonly name: string };
  /** null: never. */
  readonly up: ScaleStepConfig | null;
  readonly down: ScaleStepConfig | null;
  /** Nothing is done for so long after something was. */
  readonly cooldownMs: number;
}

/** `up` is crossed when one of its figures is reached, `down` when all are that low. */
export interface ScaleStepConfig {
  /** Requests in line; null: not looked at. */
  readonly waiting: number | null;
  /** Taken part of the places, 0 to 1; null: not looked at. */
  readonly utilisation: number | null;
  readonly forMs: number;
  readonly action: ScaleActionConfig;
}

export type ScaleActionConfig =
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs: number }
  | ({ readonly kind: 'webhook' } & WebhookConfig);

export interface ModelConfig {
  readonly name: string;
  readonly aliases: readonly string[];
  /** In the order they are tried. */
  readonly targets: readonly TargetConfig[];
  readonly price: Price | null;
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
  readonly balance: Balance;
  /** Longest wait for the first byte; null for the one of `timeouts`. */
  readonly firstByteMs: number | null;
  /** Places that it may have taken at once on all its backends; null for no limit. */
  readonly maxConcurrency: number | null;
  /** Where the name of a session is looked for, in this order; empty: nowhere. */
  readonly session: readonly SessionSource[];
  /** The first whose condition holds decides. */
  readonly rules: readonly RuleConfig[];
  readonly variants: readonly VariantConfig[];
  readonly shadow: ShadowConfig | null;
  /** Names of models to try instead, by what went wrong. */
  readonly fallback: Readonly<Record<FallbackCause, readonly string[]>>;
  readonly hedge: Hedge | null;
}

export interface TargetConfig {
  readonly backend: string;
  /** The name of the model there. */
  readonly model: string;
  /** What it costs there; null when it costs what the model costs. */
  readonly price: Price | null;
  /** Share beside the other targets; null for the one of the backend. */
  readonly weight: number | null;
}

/** Other targets for some requests: `targets` replaces the list, `labels` keeps those that have all. */
export interface RuleConfig {
  readonly when: RequestCondition;
  readonly targets: readonly TargetConfig[] | null;
  readonly labels: readonly string[];
}

/** A part of the sessions that is answered by other targets, booked with the tag `variant`. */
export interface VariantConfig {
  readonly name: string;
  /** 0 to 1. */
  readonly share: number;
  readonly targets: readonly TargetConfig[];
}

/** A part of the requests is sent there too; that answer is dropped and its cost booked apart. */
export interface ShadowConfig {
  readonly target: TargetConfig;
  /** 0 to 1. */
  readonly share: number;
}

export interface RetryConfig {
  /** In all, the first one included, over every target and fallback. */
  readonly attempts: number;
  /** Attempts beyond the first, as a part of all requests of a backend: 0 to 1. */
  readonly budget: number;
  /** First wait before the same backend is asked again; it doubles, with jitter. */
  readonly backoffMs: number;
  /** Longest wait that a backend's `Retry-After` is honoured for; a longer one ends the attempts. */
  readonly maxWaitMs: number;
  /** How long a stream is held back while it has no content, so that another can take over. */
  readonly holdMs: number;
  readonly holdBytes: number;
}

export interface QueueConfig {
  /** Requests that may wait for a place, in all. */
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
  /** Whose shares are equal. */
  readonly fairBy: 'key' | 'user' | 'team' | 'tenant';
  /** Shares of single subjects beside the usual 1. */
  readonly weights: ReadonlyMap<string, number>;
  /** Classes by the name callers use in `x-llmgate-priority`, the first is served first. */
  readonly priorities: readonly string[];
  /** The class of requests that name none. */
  readonly defaultPriority: string;
  /** Jobs an engine may have in its own queue before no more are sent to it. */
  readonly engineQueue: number;
  readonly stickyTokens: number;
  /** Silence after which a waiting stream gets a comment; null: it waits for its status instead. */
  readonly keepAliveMs: number | null;
}

export interface HealthConfig {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Probes in a row that make a backend down, and up again. */
  readonly downAfter: number;
  readonly upAfter: number;
  readonly slowStartMs: number;
  readonly breaker: {
    /** Part of failed attempts that opens it, 0 to 1. */
    readonly errorRate: number;
    /** Attempts before it may open. */
    readonly minAttempts: number;
    readonly windowMs: number;
    /** First time that it stays open; doubles up to ten times as long. */
    readonly openMs: number;
  };
  readonly loadIntervalMs: number;
}

/** Bounds of the gateway itself, beyond which it answers 503 `overloaded`. */
export interface OverloadConfig {
  /** Bytes of request bodies in memory. */
  readonly bytesInFlight: number;
  readonly requestsInFlight: number;
  /** Event-loop lag; null for no bound. */
  readonly lagMs: number | null;
  /** Requests in flight from one address; null for no bound. */
  readonly perAddress: number | null;
}

export interface AdminConfig {
  /** null: only the socket. */
  readonly listen: Listen | null;
  readonly keys: readonly AdminKeyConfig[];
}

export interface AdminKeyConfig {
  /** Who acts, in the audit trail. */
  readonly name: string;
  readonly secret: string;
  /** `viewer` may only read; `metrics` may only read `/metrics`. */
  readonly role: 'admin' | 'viewer' | 'metrics';
}

export interface MetricsConfig {
  readonly names: 'llmgate' | 'genai';
  /** Labels besides the usual ones, each with at most `maxLabelValues` different values. */
  readonly labels: readonly ('key' | 'user' | 'team' | 'tenant')[];
  readonly maxLabelValues: number;
}

/** OpenTelemetry over OTLP/HTTP. */
export interface TracesConfig {
  /** URL that takes `POST`s of traces, usually ending in `/v1/traces`. */
  readonly endpoint: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Part of the requests that is traced, 0 to 1. */
  readonly sample: number;
  /** Requests slower than this, and failed ones, are always traced; null: only failed ones. */
  readonly slowMs: number | null;
}

export interface AlertsConfig {
  readonly webhook: WebhookConfig | null;
  /** Which of the gateway's own troubles are told, with their bounds; null: not told. */
  readonly backendDownMs: number | null;
  /** Part of the requests that fail by our or a backend's fault over five minutes, 0 to 1. */
  readonly errorRate: number | null;
  /** Longest wait in line. */
  readonly queueMs: number | null;
  /** Free bytes on the disk of the data directory. */
  readonly diskFreeBytes: number | null;
  readonly auditFailure: boolean;
}
export interface Timeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  /** Longest silence inside an answer, on either side. */
  readonly idleMs: number;
  readonly totalMs: number;
}

export interface LogConfig extends LogLevels {
  readonly format: 'json' | 'text';
}
