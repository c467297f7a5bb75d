import type { Model, Target, Variant } from './model-table.ts';

/** What routing knows of a request. Everything is looked up only when a rule asks for it. */
export interface RequestFacts {
  readonly keyId: string;
  readonly keyName: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  /** Those of the key win over those that the caller sends, or rules could be talked around. */
  readonly tags: Readonly<Record<string, string>>;
  readonly endpoint: string;
  readonly stream: boolean;
  readonly inputTokens: number;
  header(name: string): string | null;
  /** A top-level member of the body as text: strings without quotes, the rest as JSON. */
  parameter(name: string): string | null;
  /** Minute of the day and day of the week (1 Monday) in the configured zone. */
  localTime(): { readonly minute: number; readonly weekday: number };
}

/** What was decided about one model before anything was tried. */
export interface Choice {
  readonly model: Model;
  /** Those that may answer; empty when the rules or the price left none. */
  readonly targets: readonly Target[];
  readonly session: string | null;
  readonly variant: Variant | null;
  /** Where a copy of the request goes; null for most. */
  readonly shadow: Target | null;
  /** Number of the rule that decided, from 1; null when none did. */
  readonly rule: number | null;
  /**
   * What every backend that sees the request must be labelled with, by the rule that decided. Asked
   * of its fallbacks too: see `PlanOptions.labels`.
   */
  readonly labels: readonly string[];
}
