import { describe, expect, test } from 'vitest';
import {
  type SimulatedModel,
  type SimulationOptions,
  simulateResidency,
} from '../support/engine-process-simulation.ts';
import { createSeededRandom } from '../support/seeded-random.ts';

const GB = 1e9;
const HOUR_MS = 3_600_000;
const STOP_MS = 2_000;
const FAIRNESS_MS = 30_000;
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

/** Up to eight models on up to three GPUs, some of which fit together. */
function drawBox(seed: number): SimulationOptions {
  const random = createSeededRandom(seed);
  const gpuCount = 1 + random.int(3);
  const gpus = Array.from({ length: gpuCount }, (_, index) => index);
  const models = Array.from({ length: 2 + random.int(7) }, (_, index): SimulatedModel => {
    const first = random.int(gpuCount);
    const isWide = random.next() < 0.2;
    return {
      id: `model-${index}`,
      gpus: isWide ? gpus : [first],
      memoryBytes: random.next() < 0.2 ? null : (10 + random.int(70)) * GB,
      group: random.next() < 0.2 ? 'one-of-these' : null,
      minResidencyMs: random.int(60_000),
      idleTtlMs: random.next() < 0.5 ? 60_000 + random.int(300_000) : null,
      loadMs: 1_000 + random.int(60_000),
      everyMs: 500 + random.int(120_000),
      requestMs: 100 + random.int(20_000),
    };
  });
  const gpuBytes = new Map(gpus.map((gpu) => [gpu, 80 * GB]));
  return {
    ...{ seed, models, fairnessMs: FAIRNESS_MS, stopMs: STOP_MS, durationMs: 2 * HOUR_MS },
    capacity: { gpuBytes, machineBytes: 64 * GB },
  };
}

/**
 * The turn of every other model comes once at most before one's own. A turn is: the load, the
 * residency or as long as it took to load, the longest request, the stop.
 */
function boundMs({ models, fairnessMs, stopMs }: SimulationOptions): number {
  const turns = models.map(
    (one) => 2 * one.loadMs + one.minResidencyMs + one.requestMs + stopMs + fairnessMs,
  );
  return turns.reduce((sum, turn) => sum + turn, 0);
}

describe.each(SEEDS)('seed %i', (seed) => {
  const box = drawBox(seed);
  const result = simulateResidency(box);

  test('never two that do not fit, none stopped in use or before its time', () => {
    expect(result.faults).toEqual([]);
    expect(result.served).toBeGreaterThan(0);
  });

  test('nobody starves', () => {
    const stillMs = result.waiting.map(({ sinceMs }) => box.durationMs - sinceMs);
    expect(Math.max(result.longestWaitMs, ...stillMs)).toBeLessThan(boundMs(box));
  });

  test('is the same again', () => {
    expect(simulateResidency(box)).toEqual(result);
  });
});

describe('two models that do not fit together', () => {
  const model = (id: string, more: Partial<SimulatedModel> = {}): SimulatedModel => ({
    ...{ id, gpus: [0], memoryBytes: null, group: null, minResidencyMs: 30_000, idleTtlMs: null },
    ...{ loadMs: 20_000, everyMs: 1_000, requestMs: 2_000, ...more },
  });
  const play = (seed: number, ...models: SimulatedModel[]) =>
    simulateResidency({
      ...{ seed, models, fairnessMs: FAIRNESS_MS, stopMs: STOP_MS, durationMs: HOUR_MS },
      capacity: { gpuBytes: new Map([[0, 80 * GB]]), machineBytes: null },
    });

  test.each(SEEDS.slice(0, 10))('two users who alternate do not thrash, seed %i', (seed) => {
    const user = { isOneUser: true, everyMs: 500 };
    const { evictions, served, faults } = play(seed, model('a', user), model('b', user));
    expect(faults).toEqual([]);
    // A cycle is load, residency and stop; swapping for every request would be twenty times that.
    expect(evictions).toBeLessThanOrEqual(HOUR_MS / (20_000 + 30_000 + STOP_MS) + 1);
    expect(evictions).toBeGreaterThan(50);
    expect(served).toBeGreaterThan(20 * evictions * 0.5);
  });

  test.each(SEEDS.slice(0, 10))('two busy crowds take turns, seed %i', (seed) => {
    const crowd = { everyMs: 250 };
    const { evictions, longestWaitMs, waiting } = play(seed, model('a', crowd), model('b', crowd));
    expect(evictions).toBeLessThanOrEqual(HOUR_MS / (20_000 + 30_000) + 1);
    // One turn of the other: load, residency, the last request, stop; then the own load.
    expect(longestWaitMs).toBeLessThan(20_000 + 30_000 + 2_000 + STOP_MS + FAIRNESS_MS + 20_000);
    expect(waiting.every(({ sinceMs }) => HOUR_MS - sinceMs < 120_000)).toBe(true);
  });

  test('a slow load is worth at least as much service, while both are asked for', () => {
    const slow = { loadMs: 120_000, everyMs: 150, requestMs: 1_000 };
    const { evictions } = play(1, model('a', slow), model('b', slow));
    expect(evictions).toBeLessThanOrEqual(HOUR_MS / 240_000 + 1);
  });

  test('nobody asks for the other: it is never stopped', () => {
    const never = { everyMs: Number.POSITIVE_INFINITY };
    const result = play(1, model('a'), model('b', never));
    expect(result).toMatchObject({ starts: 1, evictions: 0, running: ['a'] });
  });
});

test('what nobody uses is stopped after its time', () => {
  const result = simulateResidency({
    ...{ seed: 7, fairnessMs: FAIRNESS_MS, stopMs: STOP_MS, durationMs: 100 * HOUR_MS },
    capacity: { gpuBytes: new Map([[0, 80 * GB]]), machineBytes: null },
    models: [
      {
        ...{ id: 'rare', gpus: [0], memoryBytes: 20 * GB, group: null, minResidencyMs: 0 },
        ...{ idleTtlMs: 60_000, loadMs: 5_000, everyMs: HOUR_MS, requestMs: 1_000 },
      },
    ],
  });
  expect(result.faults).toEqual([]);
  expect(result.evictions).toBe(0);
  // Nearly every request comes after the process of the last one was stopped.
  expect(result.starts).toBeGreaterThan(result.served * 0.9);
});
