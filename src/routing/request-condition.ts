/** What a rule may ask of a request. All members that are there must hold; none: always. */
export interface RequestCondition {
  /** Values by lower-case header name; `*` is a wildcard. */
  readonly headers: ReadonlyMap<string, string>;
  /** Patterns of key ids or names, users, teams and tenants; empty: anybody. */
  readonly keys: readonly string[];
  readonly users: readonly string[];
  readonly teams: readonly string[];
  readonly tenants: readonly string[];
  readonly tags: ReadonlyMap<string, string>;
  /** Top-level members of the body: what their JSON text, strings without quotes, must look like. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly endpoints: readonly string[];
  /** Streamed or not; null for both. */
  readonly stream: boolean | null;
  /** Tokens of input, by our estimate. */
  readonly inputTokensOver: number | null;
  /** Minutes of the day in the configured zone, from inclusive, to exclusive; may wrap midnight. */
  readonly between: { readonly fromMinute: number; readonly toMinute: number } | null;
  /** 1 Monday to 7 Sunday; empty for every day. */
  readonly weekdays: readonly number[];
}
