import type { BudgetGrant } from './budget-target.ts';

/** What the grants of one target change right now. */
export class Allowance {
  readonly grants: readonly BudgetGrant[];
  /** Added to the limit. */
  extra = 0;
  /** Taken out of what was spent. */
  forgiven = 0;
  #windowStartMs = Number.NaN;
  /** The first raise that ends, if any. */
  #untilMs = Number.POSITIVE_INFINITY;

  constructor(grants: readonly BudgetGrant[]) {
    this.grants = grants;
  }

  /** Goes before the figures are read. Adds up anew only when the window or a raise has ended. */
  refresh(windowStartMs: number, nowMs: number): void {
    if (windowStartMs === this.#windowStartMs && nowMs < this.#untilMs) return;
    this.#windowStartMs = windowStartMs;
    this.#untilMs = Number.POSITIVE_INFINITY;
    this.extra = 0;
    this.forgiven = 0;
    for (const grant of this.grants) {
      if (!isInForce(grant, windowStartMs, nowMs)) continue;
      if (grant.kind === 'reset') this.forgiven += grant.amount;
      else this.extra += grant.amount;
      if (grant.untilMs !== null) this.#untilMs = Math.min(this.#untilMs, grant.untilMs);
    }
  }
}

/** Whether a grant changes anything in the window that began at `windowStartMs`. */
export function isInForce(grant: BudgetGrant, windowStartMs: number, nowMs: number): boolean {
  if (grant.kind === 'raise') return grant.untilMs !== null && nowMs < grant.untilMs;
  return grant.windowStartMs === windowStartMs;
}
