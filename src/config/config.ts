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
  readonly log: LogConfig;
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
  readonly targets: readonly { readonly backend: string; readonly model: string }[];
  readonly price: Price | null;
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
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
