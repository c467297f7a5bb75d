import type { Model, Target } from '../routing/model-table.ts';

/** Targets in the order they are tried. Never empty. */
export type Plan = readonly Target[];

/** Which targets, in which order? */
export function route(model: Model): Plan {
  return model.targets;
}
