import { z } from 'zod';
import {
  applyBehaviour,
  type Behaviour,
  behaviourSchema,
  checkJson,
  type ParsedBehaviour,
} from './behaviour.ts';
import type { HttpRequest } from './http-request.ts';

const MAX_STEPS = 100_000;

const stepSchema = behaviourSchema.partial().extend({
  /** Only requests like this take the step; without it any POST does. */
  match: z
    .strictObject({ method: z.string(), path: z.string(), model: z.string() })
    .partial()
    .optional(),
  /** How many requests take the step before the next one is up. */
  times: z.int().min(1).default(1),
});
const stepsSchema = z.array(stepSchema).max(MAX_STEPS);

export type ScriptStepInput = z.input<typeof stepSchema>;
type ScriptStep = z.output<typeof stepSchema>;

/** Behaviours for the requests to come, each taken by the first request that it matches. */
export class Script {
  #steps: { step: ScriptStep; behaviour: ParsedBehaviour; left: number }[] = [];

  /** Requests that the rest of the script is for. */
  get left(): number {
    return this.#steps.reduce((sum, { left }) => sum + left, 0);
  }

  /** Adds steps from JSON. Throws `BehaviourError` and adds none when one is wrong. */
  add(input: unknown): void {
    const steps = checkJson(stepsSchema, Array.isArray(input) ? input : [input]);
    if (this.#steps.length + steps.length > MAX_STEPS) throw new RangeError('script too long');
    for (const step of steps) {
      const { match: _match, times, ...behaviour } = step;
      this.#steps.push({ step, behaviour, left: times });
    }
  }

  clear(): void {
    this.#steps = [];
  }

  /** Takes the step for this request, if there is one, and applies it on top of `base`. */
  apply(base: Behaviour, request: HttpRequest, model: string | null): Behaviour {
    if (this.#steps.length === 0) return base;
    const at = this.#steps.findIndex(({ step }) => isFor(step, request, model));
    const taken = this.#steps[at];
    if (taken === undefined) return base;
    taken.left--;
    if (taken.left === 0) this.#steps.splice(at, 1);
    return applyBehaviour(base, taken.behaviour);
  }
}

function isFor(step: ScriptStep, request: HttpRequest, model: string | null): boolean {
  const {
    method = step.match?.path === undefined ? 'POST' : undefined,
    path,
    model: wanted,
  } = step.match ?? {};
  if (method !== undefined && method !== request.method) return false;
  if (path !== undefined && path !== request.path) return false;
  return wanted === undefined || wanted === model;
}
