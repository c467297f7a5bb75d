import type { Target } from '../routing/model-table.ts';
import type { ReplicaStanding } from '../routing/scheduling.ts';
import type { Exchange } from './exchange.ts';
import type { Plan } from './route.ts';

/** How a backend is now, in the words of those who watch it. */
export interface BackendNow {
  readonly state: string;
  readonly isDrained: boolean;
  readonly breaker: string;
  /** How much longer it wants to be left alone; 0 when it does not. */
  readonly coolingMs: number;
  /** Null when it is well. */
  readonly problem: string | null;
}

/** One place where a request could be answered. */
export interface DryTarget {
  readonly target: Target;
  /**
   * `first`: asked first. `fallback`: stands in for those. `left_out`: of the model, but not for this
   * request.
   */
  readonly part: 'first' | 'fallback' | 'left_out';
  readonly now: BackendNow | undefined;
  readonly standing: ReplicaStanding | undefined;
  /** A request could be sent there at this moment. */
  readonly isUsable: boolean;
  /** Why it is not, in words; null when it is. */
  readonly whyNot: string | null;
}

/** Everywhere the request could go and everywhere it could not, in the order of the plan. */
export function dryTargets(
  exchange: Exchange,
  { choice, reachable }: Plan,
  backendNow: (id: string) => BackendNow | undefined,
): DryTarget[] {
  const { scheduler, clock } = exchange.gate;
  const nowMs = clock.monotonicMs();
  const standings = new Map(scheduler.views(nowMs).map((view) => [view.backend, view]));
  const view = (target: Target, part: DryTarget['part'], leftOut: string | null): DryTarget => {
    const now = backendNow(target.backend);
    const standing = standings.get(target.backend);
    const whyNot = leftOut ?? hindrance(exchange, target, { now, standing, nowMs });
    return { target, part, now, standing, isUsable: whyNot === null, whyNot };
  };
  const first = new Set(choice.targets);
  // Rules and variants write their targets anew.
  const placeOf = ({ backend, model }: Target) => `${backend}\n${model}`;
  const places = new Set(choice.targets.map(placeOf));
  const left = choice.model.targets.filter((target) => !places.has(placeOf(target)));
  return [
    ...choice.targets.map((target) => view(target, 'first', null)),
    ...reachable
      .filter((target) => !first.has(target))
      .map((target) => view(target, 'fallback', null)),
    ...left.map((target) => view(target, 'left_out', whyLeftOut(exchange, choice, target))),
  ];
}

function whyLeftOut(
  { generation }: Exchange,
  { rule, variant, labels }: Plan['choice'],
  { backend, price }: Target,
): string {
  if (price === null && generation.unpricedModels === 'deny') return 'it has no price';
  const own = generation.backends.get(backend)?.labels ?? [];
  const missing = labels.find((label) => !own.includes(label));
  if (missing !== undefined) return `it is not labelled ${missing}`;
  if (rule !== null) return `rule ${rule} names others`;
  return variant === null ? 'the rules leave it out' : `variant ${variant.name} names others`;
}

interface Now {
  readonly now: BackendNow | undefined;
  readonly standing: ReplicaStanding | undefined;
  readonly nowMs: number;
}

/** The first thing that is in the way; null when nothing is. */
function hindrance(
  { gate }: Exchange,
  { backend }: Target,
  { now, standing, nowMs }: Now,
): string | null {
  if (now?.isDrained === true) return 'it is drained';
  if (!gate.health.accepts(backend, nowMs)) {
    if (gate.engines.isManaged(backend) && now?.state === 'stopped') {
      return 'its model server is not running; a request starts it';
    }
    const seconds = Math.ceil((now?.coolingMs ?? 0) / 1_000);
    if (seconds > 0) return `it asked to be left alone for ${seconds} s more`;
    if (now !== undefined && now.breaker !== 'closed') return `its breaker is ${now.breaker}`;
    return `it is ${now?.state ?? 'not known'}`;
  }
  const places = standing?.places ?? null;
  if (places !== null && standing !== undefined && standing.inFlight >= places) {
    return places === 1 ? 'its only place is taken' : `all of its ${places} places are taken`;
  }
  return null;
}
