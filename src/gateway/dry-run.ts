import { GateError, toGateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import type { LimitStanding } from '../limits/limiter.ts';
import type { Route } from '../protocols/route.ts';
import { FALLBACK_CAUSES, type FallbackCause } from '../routing/fallback-cause.ts';
import type { Model } from '../routing/model-table.ts';
import type { ReplicaLease } from '../routing/scheduling.ts';
import { authorize } from './authorize.ts';
import { Course } from './course.ts';
import { createDryGate, type DrySeen } from './dry-gate.ts';
import { type DryBudget, type DryCost, type DryHold, dryCost, dryHold } from './dry-run-money.ts';
import { type DrySending, drySending } from './dry-run-sending.ts';
import { type BackendNow, type DryTarget, dryTargets } from './dry-run-targets.ts';
import {
  authorizeInWords,
  holdInWords,
  limitInWords,
  queueInWords,
  readInWords,
  routeInWords,
  whoInWords,
} from './dry-run-words.ts';
import { Exchange } from './exchange.ts';
import type { Gate } from './gate.ts';
import { limit } from './limit.ts';
import type { ConnectionWatch } from './ports.ts';
import { type Call, read } from './read.ts';
import { type Asked, reserve } from './reserve.ts';
import { type Plan, route } from './route.ts';

export type { BackendNow } from './dry-run-targets.ts';

export const DRY_STAGES = [
  ...(['authenticate', 'read', 'authorize', 'limit', 'route', 'reserve', 'queue'] as const),
  'forward',
] as const;
export type DryStageName = (typeof DRY_STAGES)[number];

/** A request that is not to be made. */
export interface DryOrder {
  readonly key: Key;
  readonly route: Route;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** How a backend is now; undefined for one that nobody knows. */
  readonly backendNow: (id: string) => BackendNow | undefined;
}

export interface DryStage {
  readonly stage: DryStageName;
  /** `not_reached`: an earlier one ends it, and this one cannot be asked without that one. */
  readonly verdict: 'passes' | 'refuses' | 'not_reached';
  readonly words: readonly string[];
}

/** What would become of it now. */
export interface DryRun {
  /** All of them, in their order. */
  readonly stages: readonly DryStage[];
  /** The first refusal; null when it would be sent. */
  readonly refusal: { readonly stage: DryStageName; readonly error: GateError } | null;
  readonly call: Call | null;
  readonly model: Model | null;
  readonly limits: readonly LimitStanding[];
  readonly chargedTokens: number;
  readonly plan: {
    readonly rule: number | null;
    readonly variant: string | null;
    readonly session: string | null;
    readonly fallbacks: readonly { readonly cause: FallbackCause; readonly models: string[] }[];
  } | null;
  readonly targets: readonly DryTarget[];
  readonly hold: DryHold | null;
  readonly budgets: readonly DryBudget[];
  /** Where it would go now; null when it would wait or be refused. */
  readonly place: ReplicaLease | null;
  /** Requests that wait before it; null when it would not wait. */
  readonly waitsBehind: number | null;
  readonly cost: DryCost | null;
  readonly sending: DrySending | null;
}

/**
 * Leads a request through the stages of the spine without making it: they decide over the gate as
 * it is now, and nothing is taken, counted, written or sent. A stage that refuses ends it, but where
 * the next ones can still be asked, they are, so that all reasons show at once.
 */
export async function dryRun(gate: Gate, order: DryOrder): Promise<DryRun> {
  const { gate: dry, seen } = createDryGate(gate);
  const exchange = new Exchange(toRequest(order), order.route, dry, NO_CONNECTION);
  const walk = new Walk(exchange, seen, order);
  await walk.go();
  return walk.found();
}

const NO_CONNECTION: ConnectionWatch = { requestIP: () => null, timeout() {} };

/** The host is never looked up. */
function toRequest({ route: { method, path }, headers, body }: DryOrder): Request {
  const fields = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
  if (!fields.has('content-type')) fields.set('content-type', 'application/json');
  return new Request(`http://dry-run.invalid${path}`, { method, headers: fields, body });
}

class Walk {
  readonly #exchange: Exchange;
  readonly #seen: DrySeen;
  readonly #order: DryOrder;
  readonly #stages = new Map<DryStageName, DryStage>();
  #refusal: DryRun['refusal'] = null;
  #notesTold = 0;
  #plan: Plan | null = null;
  #targets: readonly DryTarget[] = [];
  #hold: ReturnType<typeof dryHold> | null = null;
  #place: ReplicaLease | null = null;
  #cost: DryCost | null = null;
  #sending: DrySending | null = null;

  constructor(exchange: Exchange, seen: DrySeen, order: DryOrder) {
    this.#exchange = exchange;
    this.#seen = seen;
    this.#order = order;
  }

  async go(): Promise<void> {
    const exchange = this.#exchange;
    const { key } = this.#order;
    await this.#stage('authenticate', whoInWords(key), () => admitKey(exchange, key));
    const call = await this.#stage('read', readInWords, () => read(exchange));
    if (call === undefined) return;
    const model = await this.#stage('authorize', authorizeInWords(exchange, key), () =>
      authorize(exchange, key, call),
    );
    if (model === undefined || model === null) return;
    await this.#stage('limit', limitInWords(this.#seen), () => limit(exchange, key, call));
    const plan = await this.#stage('route', routeInWords, () => route(exchange, key, call, model));
    if (plan === undefined) return;
    this.#plan = plan;
    this.#targets = dryTargets(exchange, plan, this.#order.backendNow);
    await this.#walkOn({ caller: key, call, model }, plan);
  }

  async #walkOn(asked: Asked, plan: Plan): Promise<void> {
    const exchange = this.#exchange;
    const say = () => {
      this.#hold = dryHold(exchange, asked, this.#seen);
      return holdInWords(this.#hold);
    };
    const paid = await this.#stage('reserve', say, () => reserve(exchange, asked, plan));
    if (this.#hold === null) say();
    const course = new Course(exchange, asked, paid ?? plan);
    const place = await this.#stage('queue', queueInWords(exchange, this.#seen), () =>
      course.firstPlace(),
    );
    const target = place?.target ?? plan.choice.targets[0] ?? plan.reachable[0];
    const last = this.#seen.peeks.at(-1)?.peek;
    if (place !== undefined && last?.kind === 'place') this.#place = place;
    if (target === undefined) return;
    const usualOutputTokens = last?.usualOutputTokens ?? null;
    this.#cost = dryCost(exchange, asked, target, usualOutputTokens);
    if (place === undefined) return;
    await this.#stage(
      'forward',
      ({ words }: DrySending) => words,
      () => {
        this.#sending = drySending(exchange, asked.call, target);
        return this.#sending;
      },
    );
  }

  /** What a stage returns; undefined when it refuses. */
  async #stage<T>(
    stage: DryStageName,
    say: readonly string[] | ((decision: T) => readonly string[]),
    ask: () => T | Promise<T>,
  ): Promise<T | undefined> {
    try {
      const decision = await ask();
      const words = typeof say === 'function' ? say(decision) : say;
      this.#stages.set(stage, { stage, verdict: 'passes', words: [...this.#notes(), ...words] });
      return decision;
    } catch (cause) {
      const error = toGateError(cause);
      if (error.code === 'internal') throw error;
      this.#refusal ??= { stage, error };
      const words = [...this.#notes(), error.message];
      this.#stages.set(stage, { stage, verdict: 'refuses', words });
      return undefined;
    }
  }

  /** What the stages have noted for `explain` since this was asked last. */
  #notes(): string[] {
    const { notes = [] } = this.#exchange;
    const news = notes.slice(this.#notesTold).map(({ text }) => text);
    this.#notesTold = notes.length;
    return news;
  }

  found(): DryRun {
    const { call, model } = this.#exchange;
    const { limits, chargedTokens, peeks } = this.#seen;
    const last = peeks.at(-1)?.peek;
    return {
      stages: DRY_STAGES.map(
        (stage) => this.#stages.get(stage) ?? { stage, verdict: 'not_reached', words: [] },
      ),
      refusal: this.#refusal,
      call: call ?? null,
      model: model ?? null,
      limits: limits?.limits ?? [],
      chargedTokens,
      plan: this.#plan === null ? null : planOf(this.#plan),
      targets: this.#targets,
      hold: this.#hold,
      budgets: this.#hold?.budgets ?? [],
      place: this.#place,
      waitsBehind: last?.kind === 'line' ? last.before : null,
      cost: this.#cost,
      sending: this.#sending,
    };
  }
}

function planOf({ choice, fallbacks }: Plan): DryRun['plan'] {
  return {
    rule: choice.rule,
    variant: choice.variant?.name ?? null,
    session: choice.session,
    fallbacks: FALLBACK_CAUSES.flatMap((cause) => {
      const models = fallbacks[cause].map((spare) => spare.model.name);
      return models.length === 0 ? [] : [{ cause, models }];
    }),
  };
}

/** As `authenticate`, of a key that is known without its secret. */
function admitKey(exchange: Exchange, key: Key): void {
  const { gate } = exchange;
  exchange.caller = key;
  exchange.tags = key.tags;
  if (gate.draining) throw new GateError('draining', 'The gateway is ending.');
  if (key.status === 'revoked') throw new GateError('invalid_api_key', 'This key is revoked.');
  if (key.status === 'suspended') {
    throw new GateError('key_suspended', 'This API key is suspended.');
  }
  if (key.expiresAtMs !== null && gate.clock.nowMs() >= key.expiresAtMs) {
    throw new GateError('key_expired', 'This API key has expired.');
  }
}
