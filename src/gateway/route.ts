import { GateError } from '../core/error.ts';
import type { Model, Target } from '../routing/model-table.ts';
import type { Exchange } from './exchange.ts';

/** Targets in the order they are tried. Never empty. */
export type Plan = readonly [Target, ...Target[]];

/** Which targets, in which order? Throws 403 when all of them are unpriced and that is denied. */
export function route({ generation }: Exchange, model: Model): Plan {
  const [first, ...rest] =
    generation.unpricedModels === 'allow' ? model.targets : model.targets.filter(isPriced);
  if (first !== undefined) return [first, ...rest];
  throw new GateError(
    'policy_denied',
    `The model "${model.name}" has no price, and requests for unpriced models are refused.`,
  );
}

function isPriced({ price }: Target): boolean {
  return price !== null;
}
