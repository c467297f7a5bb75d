import { expect, test } from 'vitest';
import { simulate } from '../support/simulation/simulate.ts';
import { Tally } from '../support/simulation/tally.ts';

/*
 * The books under everything that can happen to them: `test/support/simulation`. A few seeds are
 * always the same; the others are new every time, and printed when they fail.
 */

/** The whole simulation takes about so long. */
const FOR_MS = Number(process.env['LLMGATE_SIMULATION_SECONDS'] ?? 50) * 1_000;

/** Between them they see nearly every fault that was put in on purpose. */
const SHARP = [1, 2, 4, 5, 8, 17];

test('the same seed is the same story', async () => {
  const [once, again] = [await simulate(2_026), await simulate(2_026)];
  expect(again).toEqual(once);
});

test.each(SHARP)('seed %i, which sees faults put in on purpose, sees none', async (seed) => {
  expect((await simulate(seed)).steps).toBeGreaterThan(0);
});

test('the books hold under new seeds', { timeout: FOR_MS + 60_000 }, async () => {
  const tally = new Tally();
  const first = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  for (const untilMs = performance.now() + FOR_MS; performance.now() < untilMs; ) {
    tally.add(await simulate((first + tally.seeds) % 2 ** 32));
  }
  process.stdout.write(`simulation from seed ${first}: ${tally}\n`);
  // A simulation in which nothing happens proves nothing.
  for (const outcome of ['served', 'cut_by_caller', 'cut_by_backend', 'refused', 'expired']) {
    expect(tally.of(outcome), outcome).toBeGreaterThan(tally.seeds / 4);
  }
  expect(tally.crashes).toBeGreaterThan(tally.seeds);
  expect(tally.retried).toBeGreaterThan(tally.seeds / 4);
  expect(tally.inLine).toBeGreaterThan(tally.seeds / 4);
  expect(tally.copies).toBeGreaterThan(0);
});
