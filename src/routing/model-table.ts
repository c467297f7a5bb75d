import type { Price } from '../core/price.ts';

/** One place that can answer for a model: a backend and the name the model has there. */
export interface Target {
  readonly backend: string;
  readonly model: string;
  /** What it costs there; null when nobody has said. */
  readonly price: Price | null;
}

/** A model as callers know it. */
export interface Model {
  readonly name: string;
  /** In the order they are tried. Never empty. */
  readonly targets: readonly Target[];
  /** What callers see: the price of every target that has none of its own. */
  readonly price: Price | null;
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
  /** False when only a backend's model list told us about it. */
  readonly configured: boolean;
}

export interface ModelTable {
  /** By name or alias. */
  find(name: string): Model | undefined;
  /** Every model once, configured ones first. */
  readonly models: readonly Model[];
}

interface ConfiguredModel extends Omit<Model, 'configured'> {
  readonly aliases: readonly string[];
}

/** What each backend said it serves, in the order of the configuration. */
export type DiscoveredModels = readonly {
  readonly backend: string;
  readonly models: readonly { readonly id: string; readonly contextTokens: number | null }[];
}[];

/**
 * Joins configured and discovered models. A configured name or alias hides a discovered model of
 * the same name; a model that several backends serve gets them all as targets, in their order.
 */
export function createModelTable(
  configured: readonly ConfiguredModel[],
  discovered: DiscoveredModels,
): ModelTable {
  const byName = new Map<string, Model>();
  const models: Model[] = [];
  for (const { aliases, ...rest } of configured) {
    const targets = rest.targets.map((target) => ({ ...target, price: target.price ?? rest.price }));
    const model: Model = { ...rest, targets, configured: true };
    models.push(model);
    for (const name of [model.name, ...aliases]) byName.set(name, model);
  }

  const found = new Map<string, { targets: Target[]; contextTokens: number | null }>();
  for (const { backend, models: served } of discovered) {
    for (const { id, contextTokens } of served) {
      if (byName.has(id)) continue;
      const model = found.get(id) ?? { targets: [], contextTokens: null };
      model.targets.push({ backend, model: id, price: null });
      model.contextTokens = smaller(model.contextTokens, contextTokens);
      found.set(id, model);
    }
  }
  for (const [name, { targets, contextTokens }] of found) {
    const model: Model = {
      name,
      targets,
      price: null,
      contextTokens,
      maxOutputTokens: null,
      configured: false,
    };
    models.push(model);
    byName.set(name, model);
  }
  return { models, find: (name) => byName.get(name) };
}

function smaller(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
