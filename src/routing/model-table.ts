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
  /** What callers can rely on, wherever a request goes. */
  readonly contextTokens: number | null;
  /** What no target can pass; null when one of them has not said. */
  readonly longestContextTokens: number | null;
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

interface ConfiguredModel extends Omit<Model, 'configured' | 'longestContextTokens'> {
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
    const targets = rest.targets.map((target) => ({
      ...target,
      price: target.price ?? rest.price,
    }));
    const longestContextTokens = rest.contextTokens;
    const model: Model = { ...rest, targets, longestContextTokens, configured: true };
    models.push(model);
    for (const name of [model.name, ...aliases]) byName.set(name, model);
  }

  const found = new Map<string, { targets: Target[]; contexts: (number | null)[] }>();
  for (const { backend, models: served } of discovered) {
    for (const { id, contextTokens } of served) {
      if (byName.has(id)) continue;
      const model = found.get(id) ?? { targets: [], contexts: [] };
      model.targets.push({ backend, model: id, price: null });
      model.contexts.push(contextTokens);
      found.set(id, model);
    }
  }
  for (const [name, { targets, contexts }] of found) {
    const model: Model = {
      name,
      targets,
      price: null,
      ...contextsOf(contexts),
      maxOutputTokens: null,
      configured: false,
    };
    models.push(model);
    byName.set(name, model);
  }
  return { models, find: (name) => byName.get(name) };
}

function contextsOf(
  contexts: readonly (number | null)[],
): Pick<Model, 'contextTokens' | 'longestContextTokens'> {
  const stated = contexts.filter((tokens) => tokens !== null);
  if (stated.length === 0) return { contextTokens: null, longestContextTokens: null };
  const isComplete = stated.length === contexts.length;
  return {
    contextTokens: Math.min(...stated),
    longestContextTokens: isComplete ? Math.max(...stated) : null,
  };
}
