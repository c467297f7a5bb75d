import { createSeededRandom } from '../seeded-random.ts';
import { checkAfterStep } from './check-after-step.ts';
import { checkAtRest } from './check-at-rest.ts';
import { Plant } from './plant.ts';
import { Scene } from './scene.ts';
import { Script } from './script.ts';

/** What one seed brought about. */
export interface SimulationReport {
  readonly seed: number;
  readonly steps: number;
  readonly requests: number;
  readonly crashes: number;
  readonly shrunk: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly estimated: number;
  /** Requests with more than one attempt. */
  readonly retried: number;
  /** Copies for a shadow. */
  readonly copies: number;
  /** Requests that waited for a place. */
  readonly inLine: number;
  /** SHA-256 of the last row of the chain: the same for the same seed. */
  readonly head: string;
}

export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
  readonly seed: number;
  readonly step: number;

  constructor(seed: number, step: number, problem: string, trace: readonly string[]) {
    super(
      [
        problem,
        `seed ${seed}, step ${step}; again with: scripts/simulate --seed ${seed}`,
        'The last steps:',
        ...trace.slice(-30).map((line) => `  ${line}`),
      ].join('\n'),
    );
    this.seed = seed;
    this.step = step;
  }
}

export const STEPS = 400;

/** Runs one seed from its first step to its last. Throws SimulationFailure. */
export async function simulate(seed: number, steps = STEPS): Promise<SimulationReport> {
  const random = createSeededRandom(seed);
  const plant = new Plant(random, new Scene(random));
  const trace: string[] = [];
  let step = 0;
  try {
    await plant.start();
    const script = new Script(plant, (line) => trace.push(`${step}: ${line}`));
    for (step = 1; step <= steps; step += 1) {
      await script.step();
      checkAfterStep(plant);
      if (plant.problem !== null) throw new Error(plant.problem);
    }
    await script.comeToRest();
    await checkAtRest(plant);
    if (plant.problem !== null) throw new Error(plant.problem);
    return { seed, steps, ...script.report() };
  } catch (cause) {
    const problem = cause instanceof Error ? (plant.problem ?? cause.stack ?? '') : String(cause);
    throw new SimulationFailure(seed, step, problem, trace);
  } finally {
    plant.dispose();
  }
}
