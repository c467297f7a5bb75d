import type { Price } from '../core/price.ts';
import type { Balance } from './balance.ts';
import { FALLBACK_CAUSES, type FallbackCause } from './fallback-cause.ts';
import type { RequestCondition } from './request-condition.ts';

/** One place that can answer for a model: a backend and the name the model has there. */
export interface Target {
  readonly backend: string;
  readonly model: string;
  /** The model it answers for as callers know it; a fallback answers for another than was asked. */
  readonly publicModel: string;
  /** What it costs there; null when nobody has said. */
  readonly price: Price | null;
  /** Share beside the other targets; 1 is usual. */
  readonly weight: number;
}

/** Where the name of a session may be found. */
export const SESSION_SOURCES = ['x-session-id', 'prompt_cache_key', 'user'] as const;
export type SessionSource = (typeof SESSION_SOURCES)[number];

/** A second attempt beside a slow first one; whichever has content first answers. */
export interface Hedge {
  /** Milliseconds without content, or the percentile (0 to 1) of the model's own first tokens. */
  readonly after: { readonly ms: number } | { readonly percentile: number };
  /** Part of the requests that may be hedged, 0 to 1. */
  readonly budget: number;
}

/** Other targets for some requests: `targets` replaces the list, `labels` keeps those that have all. */
export interface RoutingRule {
  readonly when: RequestCondition;
  readonly targets: readonly Target[] | null;
  readonly labels: readonly string[];
}

export interface Variant {
  readonly name: string;
  /** 0 to 1. */
  readonly share: number;
  readonly targets: readonly Target[];
}

export interface Shadow {
  readonly target: Target;
  /** 0 to 1. */
  readonly share: number;
}

/** How requests for a model find their target. */
export interface Routing {
  readonly balance: Balance;
  /** Longest wait for the first byte; null for the usual one. */
  readonly firstByteMs: number | null;
  /** Where the name of a session is looked for, in this order. */
  readonly session: readonly SessionSource[];
  readonly rules: readonly RoutingRule[];
  readonly variants: readonly Variant[];
  readonly shadow: Shadow | null;
  readonly hedge: Hedge | null;
}

/** A model as callers know it. */
export interface Model {
  readonly name: string;
  /** In the order of the configuration. Never empty. */
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
  readonly routing: Routing;
  /** Models to try instead, in order, theirs included; no model twice. */
  readonly fallbacks: Readonly<Record<FallbackCause, readonly Model[]>>;
}

export interface ModelTable {
  /** By name or alias. */
  find(name: string): Model | undefined;
  /** Every model once, configured ones first. */
  readonly models: readonly Model[];
}

/** A target as written down: what it leaves out comes from its model and its backend. */
interface WrittenTarget {
  readonly backend: string;
  readonly model: string;
  readonly price: Price | null;
  readonly weight: number | null;
}

interface ConfiguredModel {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly targets: readonly WrittenTarget[];
  readonly price: Price | null;
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
  readonly balance: Balance;
  readonly firstByteMs: number | null;
  readonly session: readonly SessionSource[];
  readonly rules: readonly {
    readonly when: RequestCondition;
    readonly targets: readonly WrittenTarget[] | null;
    readonly labels: readonly string[];
  }[];
  readonly variants: readonly {
    readonly name: string;
    readonly share: number;
    readonly targets: readonly WrittenTarget[];
  }[];
  readonly shadow: { readonly target: WrittenTarget; readonly share: number } | null;
  readonly hedge: Hedge | null;
  /** Names of models; the configuration has checked that they exist and do not go round. */
  readonly fallback: Readonly<Record<FallbackCause, readonly string[]>>;
}

/** What each backend said it serves, in the order of the configuration. */
export type DiscoveredModels = readonly {
  readonly backend: string;
  readonly models: readonly { readonly id: string; readonly contextTokens: number | null }[];
}[];

/** Requests for models that nobody configured go where they are served, the least busy first. */
const DISCOVERED_ROUTING: Routing = {
  balance: 'least_busy',
  firstByteMs: null,
  session: [],
  rules: [],
  variants: [],
  shadow: null,
  hedge: null,
};

/**
 * Joins configured and discovered models. A configured name or alias hides a discovered model of
 * the same name; a model that several backends serve gets them all as targets, in their order.
 * `weights` are those of the backends.
 */
export function createModelTable(
  configured: readonly ConfiguredModel[],
  discovered: DiscoveredModels,
  weights: ReadonlyMap<string, number>,
): ModelTable {
  const byName = new Map<string, Model>();
  const models: Model[] = [];
  const add = (model: Model, aliases: readonly string[]) => {
    models.push(model);
    for (const name of [model.name, ...aliases]) byName.set(name, model);
  };
  const wanted = new Map<Model, ConfiguredModel['fallback']>();
  for (const written of configured) {
    const model = toModel(written, weights);
    wanted.set(model, written.fallback);
    add(model, written.aliases);
  }
  for (const [name, { targets, contexts }] of gatherDiscovered(discovered, byName, weights)) {
    add(
      {
        name,
        targets,
        price: null,
        ...contextsOf(contexts),
        maxOutputTokens: null,
        configured: false,
        routing: DISCOVERED_ROUTING,
        fallbacks: NO_FALLBACKS,
      },
      [],
    );
  }
  for (const [model, fallback] of wanted) linkFallbacks(model, fallback, byName, wanted);
  return { models, find: (name) => byName.get(name) };
}

function toModel(written: ConfiguredModel, weights: ReadonlyMap<string, number>): Model {
  const { name, price, contextTokens, maxOutputTokens } = written;
  const toTarget = (target: WrittenTarget): Target => ({
    backend: target.backend,
    model: target.model,
    publicModel: name,
    price: target.price ?? price,
    weight: target.weight ?? weights.get(target.backend) ?? 1,
  });
  const { balance, firstByteMs, session, hedge, shadow } = written;
  return {
    name,
    targets: written.targets.map(toTarget),
    price,
    contextTokens,
    longestContextTokens: contextTokens,
    maxOutputTokens,
    configured: true,
    routing: {
      balance,
      firstByteMs,
      session,
      rules: written.rules.map((rule) => ({
        ...rule,
        targets: rule.targets?.map(toTarget) ?? null,
      })),
      variants: written.variants.map((each) => ({ ...each, targets: each.targets.map(toTarget) })),
      shadow: shadow === null ? null : { ...shadow, target: toTarget(shadow.target) },
      hedge,
    },
    fallbacks: emptyFallbacks(),
  };
}

type Found = Map<string, { targets: Target[]; contexts: (number | null)[] }>;

function gatherDiscovered(
  discovered: DiscoveredModels,
  hidden: ReadonlyMap<string, Model>,
  weights: ReadonlyMap<string, number>,
): Found {
  const found: Found = new Map();
  for (const { backend, models } of discovered) {
    const weight = weights.get(backend) ?? 1;
    for (const { id, contextTokens } of models) {
      if (hidden.has(id)) continue;
      const model = found.get(id) ?? { targets: [], contexts: [] };
      model.targets.push({ backend, model: id, publicModel: id, price: null, weight });
      model.contexts.push(contextTokens);
      found.set(id, model);
    }
  }
  return found;
}

function emptyFallbacks(): Record<FallbackCause, Model[]> {
  return { unavailable: [], rate_limited: [], context: [], refused: [], budget: [] };
}

const NO_FALLBACKS: Model['fallbacks'] = emptyFallbacks();

/**
 * Models that may stand in for one. More help nobody, and every model keeps a list of its own: a long
 * chain of a thousand would be half a million entries.
 */
export const MOST_FALLBACKS = 16;

/** Depth first, each model once: the fallbacks of a fallback come right after it. */
function linkFallbacks(
  model: Model,
  fallback: ConfiguredModel['fallback'],
  byName: ReadonlyMap<string, Model>,
  wanted: ReadonlyMap<Model, ConfiguredModel['fallback']>,
): void {
  for (const cause of FALLBACK_CAUSES) {
    const chain = new Set<Model>([model]);
    const follow = (names: readonly string[]) => {
      for (const name of names) {
        if (chain.size > MOST_FALLBACKS) return;
        const next = byName.get(name);
        // One that is only discovered may not be there now; it is left out until it is.
        if (next === undefined || chain.has(next)) continue;
        chain.add(next);
        follow(wanted.get(next)?.[cause] ?? []);
      }
    };
    follow(fallback[cause]);
    chain.delete(model);
    (model.fallbacks[cause] as Model[]).push(...chain);
  }
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
