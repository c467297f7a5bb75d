import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { FALLBACK_CAUSES, type FallbackCause } from '../routing/fallback-cause.ts';
import { makePlan } from '../routing/make-plan.ts';
import type { Model, Target } from '../routing/model-table.ts';
import type { Choice, RequestFacts } from '../routing/plan.ts';
import { isVisible } from './authorize.ts';
import type { Exchange } from './exchange.ts';
import type { Call } from './read.ts';

/** What may be tried for a request: the model's own targets, then those of its fallbacks. */
export interface Plan {
  readonly choice: Choice;
  readonly fallbacks: Readonly<Record<FallbackCause, readonly Choice[]>>;
  /** Every target that may end up answering. Never empty. */
  readonly reachable: readonly Target[];
}

/**
 * Which targets may answer? A plan, not a pick. Throws 403 when the prices or the rules of the
 * operator leave none.
 */
export function route(exchange: Exchange, caller: Key, call: Call, model: Model): Plan {
  const facts = new FactsOf(exchange, caller, call);
  const choice = choose(exchange, facts, model, NO_LABELS);
  if (choice.rule !== null) exchange.note(`rule ${choice.rule} of ${model.name} applies`);
  if (choice.variant !== null) {
    exchange.tags = { ...exchange.tags, variant: choice.variant.name };
    exchange.note(`variant ${choice.variant.name} was drawn`);
  }
  const fallbacks = fallbacksOf(exchange, caller, facts, choice);
  const spares = sparesOf(fallbacks);
  const reachable =
    spares.length === 0
      ? choice.targets
      : [...choice.targets, ...spares.flatMap(({ targets }) => targets)];
  if (reachable.length === 0) throw nobodyMay(exchange, model);
  return { choice, fallbacks, reachable };
}

const NO_LABELS: readonly string[] = [];

/** `labels` are what a rule of the model asked for: a spare must not leave the house either. */
function choose(
  { gate, generation }: Exchange,
  facts: RequestFacts,
  model: Model,
  labels: readonly string[],
): Choice {
  return makePlan(model, facts, {
    labels,
    allowUnpriced: generation.unpricedModels === 'allow',
    labelsOf: (backend) => generation.backends.get(backend)?.labels ?? NO_LABELS,
    random: gate.random,
  });
}

export const NO_FALLBACKS: Plan['fallbacks'] = {
  unavailable: [],
  rate_limited: [],
  context: [],
  refused: [],
  budget: [],
};

/** A fallback is a spare for who may use it, not a way around the models of a key. */
function fallbacksOf(exchange: Exchange, caller: Key, facts: RequestFacts, own: Choice) {
  const { fallbacks } = own.model;
  if (FALLBACK_CAUSES.every((cause) => fallbacks[cause].length === 0)) return NO_FALLBACKS;
  const chosen = new Map<Model, Choice>();
  const chosenFor = (cause: FallbackCause): Choice[] =>
    fallbacks[cause]
      .filter((spare) => isVisible(caller, spare, spare.name))
      .map((spare) => {
        const choice = chosen.get(spare) ?? choose(exchange, facts, spare, own.labels);
        chosen.set(spare, choice);
        return choice;
      })
      .filter(({ targets }) => targets.length > 0);
  return {
    unavailable: chosenFor('unavailable'),
    rate_limited: chosenFor('rate_limited'),
    context: chosenFor('context'),
    refused: chosenFor('refused'),
    budget: chosenFor('budget'),
  };
}

/** What no target of the plan can pass; null when one of them has not said. */
export function longestContextOf({ choice, fallbacks }: Plan): number | null {
  let longest = choice.model.longestContextTokens;
  for (const { model } of sparesOf(fallbacks)) {
    if (longest === null || model.longestContextTokens === null) return null;
    longest = Math.max(longest, model.longestContextTokens);
  }
  return longest;
}

function sparesOf(fallbacks: Plan['fallbacks']): readonly Choice[] {
  if (fallbacks === NO_FALLBACKS) return [];
  return [...new Set(FALLBACK_CAUSES.flatMap((cause) => fallbacks[cause]))];
}

function nobodyMay({ generation }: Exchange, model: Model): GateError {
  const isUnpriced = model.targets.every(({ price }) => price === null);
  const message =
    isUnpriced && generation.unpricedModels === 'deny'
      ? `The model "${model.name}" has no price, and requests for unpriced models are refused.`
      : `The rules for the model "${model.name}" leave no backend for this request.`;
  return new GateError('policy_denied', message);
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/** A request as the rules see it; nothing is worked out that no rule asks for. */
class FactsOf implements RequestFacts {
  readonly #exchange: Exchange;
  readonly #caller: Key;
  readonly #call: Call;

  constructor(exchange: Exchange, caller: Key, call: Call) {
    this.#exchange = exchange;
    this.#caller = caller;
    this.#call = call;
  }

  get keyId(): string {
    return this.#caller.id;
  }
  get keyName(): string {
    return this.#caller.name;
  }
  get user(): string | null {
    return this.#caller.user;
  }
  get team(): string | null {
    return this.#caller.team;
  }
  get tenant(): string | null {
    return this.#caller.tenant;
  }
  get tags() {
    return this.#exchange.tags;
  }
  get endpoint() {
    return this.#exchange.route.endpoint;
  }
  get stream(): boolean {
    return this.#call.shape.stream;
  }
  get inputTokens(): number {
    return this.#call.shape.inputTokens;
  }
  header(name: string): string | null {
    return this.#exchange.request.headers.get(name);
  }
  parameter(name: string): string | null {
    return this.#call.parameter(name);
  }
  localTime() {
    const { clock, zone } = this.#exchange.gate;
    const nowMs = clock.nowMs();
    const minutes = Math.floor((nowMs + zone.offsetMs(nowMs)) / MINUTE_MS);
    // The first of January 1970 was a Thursday.
    const weekday = ((Math.floor(minutes / DAY_MINUTES) + 3) % 7) + 1;
    return { minute: minutes % DAY_MINUTES, weekday };
  }
}
