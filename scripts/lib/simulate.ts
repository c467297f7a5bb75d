import { parseArgs } from 'node:util';
import { STEPS, simulate } from '../../test/support/simulation/simulate.ts';
import { Tally } from '../../test/support/simulation/tally.ts';

const HELP = `usage: scripts/simulate [--minutes N] [--from SEED] [--steps N]
       scripts/simulate --seed N [--steps N]

Runs the gateway's books in a simulation: the real request path, budgets and store, with a clock, a
vendor and callers that do what a seed says, a crash at any await and a store that fails. Runs one
seed after another for 10 minutes, or one seed alone. A seed that fails is printed with its last
steps, and does the same again.
  --minutes N  stop after so long
  --from SEED  the first seed; by default one that nobody has tried
  --seed N     this seed alone
  --steps N    steps of each seed (${STEPS})
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    minutes: { type: 'string', default: '10' },
    from: { type: 'string' },
    seed: { type: 'string' },
    steps: { type: 'string', default: String(STEPS) },
  },
});
const steps = Number(values.steps);
const out = (text: string) => void process.stdout.write(`${text}\n`);

if (values.help === true) {
  process.stdout.write(HELP);
} else {
  process.exit((await run()) ? 0 : 1);
}

async function run(): Promise<boolean> {
  const tally = new Tally();
  const untilMs = performance.now() + Number(values.minutes) * 60_000;
  const alone = values.seed === undefined ? null : Number(values.seed);
  let seed = alone ?? Number(values.from ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  if (alone === null) out(`from seed ${seed}`);
  try {
    do {
      const report = await simulate(seed, steps);
      tally.add(report);
      if (alone !== null) out(`seed ${seed}: the chain ends in ${report.head}`);
      else if (tally.seeds % 100 === 0) out(String(tally));
      seed = (seed + 1) % 2 ** 32;
    } while (alone === null && performance.now() < untilMs);
  } catch (cause) {
    out(cause instanceof Error ? cause.message : String(cause));
    out(`${tally}; 1 failed`);
    return false;
  }
  out(`${tally}; none failed`);
  return true;
}
