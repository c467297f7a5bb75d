import type { Endpoint } from '../core/call.ts';
import type { Bucket } from './bucket.ts';
import type { Slots } from './slots.ts';

/** Every counter that a request of one key for one model on one endpoint has to pass. */
export interface Plan {
  readonly model: string;
  readonly endpoint: Endpoint;
  readonly requests: readonly Bucket[];
  readonly tokens: readonly Bucket[];
  readonly slots: readonly Slots[];
}

export function isUnlimited(plan: Plan): boolean {
  return plan.requests.length + plan.tokens.length + plan.slots.length === 0;
}

/** True when a counter has left the books since the plan was made. */
export function isStale(plan: Plan): boolean {
  for (const bucket of plan.requests) if (bucket.retired) return true;
  for (const bucket of plan.tokens) if (bucket.retired) return true;
  for (const slots of plan.slots) if (slots.retired) return true;
  return false;
}
