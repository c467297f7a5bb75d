import { conditionHolds } from './condition-holds.ts';
import type { Model, RoutingRule, Target, Variant } from './model-table.ts';
import { pickVariant } from './pick-variant.ts';
import type { Choice, RequestFacts } from './plan.ts';
import { findSession } from './session-name.ts';

export interface PlanOptions {
  /** False drops the targets that nobody has said a price of. */
  readonly allowUnpriced: boolean;
  readonly labelsOf: (backend: string) => readonly string[];
  /** From 0 to below 1: whether a request is copied to a shadow. */
  readonly random: () => number;
  /**
   * Labels that a rule of another model has asked for: what may not leave the house must not leave
   * it by a fallback. None by default.
   */
  readonly labels?: readonly string[];
}

/**
 * Which targets may answer for a model? The first rule whose condition holds decides, else the
 * variant that the session falls into, else the model itself.
 */
export function makePlan(model: Model, facts: RequestFacts, options: PlanOptions): Choice {
  const { rules, variants, shadow, session } = model.routing;
  const isPlain =
    rules.length === 0 && variants.length === 0 && shadow === null && session.length === 0;
  const { labels = NO_LABELS } = options;
  if (isPlain && labels.length === 0) return plainChoice(model, options.allowUnpriced);
  return decide(model, facts, options, labels);
}

function decide(
  model: Model,
  facts: RequestFacts,
  options: PlanOptions,
  asked: readonly string[],
): Choice {
  const { routing } = model;
  const found = routing.rules.findIndex(({ when }) => conditionHolds(when, facts));
  const rule = routing.rules[found];
  const session = findSession(routing.session, facts);
  const variant =
    rule === undefined && routing.variants.length > 0
      ? pickVariant(routing.variants, model.name, session ?? facts.keyId)
      : null;
  const labels = rule === undefined ? asked : [...asked, ...rule.labels];
  const mayAnswer = ({ backend, price }: Target) =>
    (options.allowUnpriced || price !== null) && hasAll(options.labelsOf(backend), labels);
  return {
    model,
    targets: targetsOf(model, rule, variant).filter(mayAnswer),
    session,
    variant,
    shadow: shadowOf(model, rule, options, mayAnswer),
    rule: rule === undefined ? null : found + 1,
    labels,
  };
}

function targetsOf(
  model: Model,
  rule: RoutingRule | undefined,
  variant: Variant | null,
): readonly Target[] {
  return rule?.targets ?? variant?.targets ?? model.targets;
}

/** Where a rule has named the targets, nobody else sees the request. */
function shadowOf(
  { routing: { shadow } }: Model,
  rule: RoutingRule | undefined,
  { random }: PlanOptions,
  mayAnswer: (target: Target) => boolean,
): Target | null {
  if (shadow === null || (rule !== undefined && rule.targets !== null)) return null;
  if (!mayAnswer(shadow.target)) return null;
  return shadow.share >= 1 || random() < shadow.share ? shadow.target : null;
}

function hasAll(labels: readonly string[], wanted: readonly string[]): boolean {
  for (const label of wanted) if (!labels.includes(label)) return false;
  return true;
}

const NO_LABELS: readonly string[] = [];

/** Models live as long as a configuration; most of them always get the same choice. */
const unpricedAllowed = new WeakMap<Model, Choice>();
const unpricedDenied = new WeakMap<Model, Choice>();

function plainChoice(model: Model, allowUnpriced: boolean): Choice {
  const known = allowUnpriced ? unpricedAllowed : unpricedDenied;
  let choice = known.get(model);
  if (choice === undefined) {
    const targets = allowUnpriced
      ? model.targets
      : model.targets.filter(({ price }) => price !== null);
    choice = {
      model,
      targets,
      session: null,
      variant: null,
      shadow: null,
      rule: null,
      labels: NO_LABELS,
    };
    known.set(model, choice);
  }
  return choice;
}
