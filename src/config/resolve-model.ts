import type { FallbackCause } from '../routing/fallback-cause.ts';
import type { RequestCondition } from '../routing/request-condition.ts';
import type { ModelConfig, RuleConfig, TargetConfig } from './config.ts';
import { parseDayTimes } from './day-times.ts';
import { parseHedgeDelay } from './hedge-delay.ts';
import { resolvePrice } from './resolve-price.ts';
import type { ConfigFile } from './schema.ts';
import { WEEKDAYS } from './schema-routing.ts';
import { parseDuration, parseShare } from './units.ts';

type ModelFile = ConfigFile['models'][string];
type TargetFile = ModelFile['targets'][number];
type RuleFile = ModelFile['rules'][number];

export function resolveModel(name: string, model: ModelFile): ModelConfig {
  const toTarget = (target: TargetFile) => resolveTarget(name, target);
  const { shadow, hedge } = model;
  return {
    name,
    aliases: model.aliases,
    targets: model.targets.map(toTarget),
    price: model.price === undefined ? null : resolvePrice(model.price),
    contextTokens: model.context_tokens ?? null,
    maxOutputTokens: model.max_output_tokens ?? null,
    balance: model.balance,
    firstByteMs: model.first_byte === undefined ? null : parseDuration(model.first_byte),
    maxConcurrency: model.max_concurrency ?? null,
    session: model.session,
    rules: model.rules.map((rule) => resolveRule(name, rule)),
    variants: Object.entries(model.split).map(([variant, { share, targets }]) => ({
      name: variant,
      share: parseShare(share),
      targets: targets.map(toTarget),
    })),
    shadow:
      shadow === undefined
        ? null
        : { target: toTarget(shadow.target), share: parseShare(shadow.share) },
    fallback: resolveFallback(model.fallback),
    hedge:
      hedge === undefined
        ? null
        : { after: parseHedgeDelay(hedge.after), budget: parseShare(hedge.budget) },
  };
}

function resolveTarget(name: string, target: TargetFile): TargetConfig {
  if (typeof target === 'string') {
    return { backend: target, model: name, price: null, weight: null };
  }
  return {
    backend: target.backend,
    model: target.model ?? name,
    price: target.price === undefined ? null : resolvePrice(target.price),
    weight: target.weight ?? null,
  };
}

function resolveRule(name: string, { when, targets, labels }: RuleFile): RuleConfig {
  return {
    when: resolveCondition(when),
    targets: targets?.map((target) => resolveTarget(name, target)) ?? null,
    labels: labels ?? [],
  };
}

function resolveCondition(when: RuleFile['when']): RequestCondition {
  return {
    headers: new Map(
      Object.entries(when.header).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    keys: listOf(when.key),
    users: listOf(when.user),
    teams: listOf(when.team),
    tenants: listOf(when.tenant),
    tags: textsByName(when.tag),
    parameters: textsByName(when.parameter),
    endpoints: listOf(when.endpoint),
    stream: when.stream ?? null,
    inputTokensOver: when.input_tokens_over ?? null,
    between: when.between === undefined ? null : parseDayTimes(when.between),
    weekdays: (when.weekdays ?? []).map((day) => WEEKDAYS.indexOf(day) + 1),
  };
}

function listOf<T extends string>(written: T | readonly T[] | undefined): readonly T[] {
  if (written === undefined) return [];
  return typeof written === 'string' ? [written] : written;
}

function textsByName(
  written: Readonly<Record<string, string | number | boolean>>,
): ReadonlyMap<string, string> {
  return new Map(Object.entries(written).map(([name, value]) => [name, String(value)]));
}

/** A list is for the two causes that pass: another model is no answer to a fault of the request. */
function resolveFallback(
  fallback: ModelFile['fallback'],
): Readonly<Record<FallbackCause, readonly string[]>> {
  if (!Array.isArray(fallback)) return fallback;
  return {
    unavailable: fallback,
    rate_limited: fallback,
    context: [],
    refused: [],
    budget: [],
  };
}
