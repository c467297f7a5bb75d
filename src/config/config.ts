import type { ContentMode } from '../core/key.ts';
import type { Price } from '../core/price.ts';
import type { LimitRule } from '../limits/rule.ts';
import type { BudgetRule } from '../pricing/budget-rule.ts';

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
  readonly limits: readonly LimitRule[];
  readonly budgets: readonly BudgetRule[];
  readonly unpricedModels: 'allow' | 'deny';
  readonly maxBodyBytes: number;
  /** IANA name of the zone whose calendar budgets follow. */
  readonly timezone: string;
  readonly audit: AuditConfig;
  readonly usage: { readonly retentionMs: number };
  readonly alerts: { readonly webhook: WebhookConfig | null };
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
  /** Resolved secret, or null. Never printed. */
  readonly apiKey: string | null;
  /** Sent with every request to this backend; names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Ask `/v1/models` for what it serves. When false only configured models reach it. */
  readonly discover: boolean;
}

export interface ModelConfig {
  readonly name: string;
  readonly aliases: readonly string[];
  /** In the order they are tried. */
  readonly targets: readonly TargetConfig[];
  readonly price: Price | null;
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
}

export interface TargetConfig {
  readonly backend: string;
  /** The name of the model there. */
  readonly model: string;
  /** What it costs there; null when it costs what the model costs. */
  readonly price: Price | null;
}

export interface Timeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  /** Longest silence inside an answer, on either side. */
  readonly idleMs: number;
  readonly totalMs: number;
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'json' | 'text';
}
