import { expect, test } from 'vitest';
import { createEnergyShares, type EnergyShareOptions } from '../../../src/gpu/energy-share.ts';
import { type GpuSample, unknownGpu } from '../../../src/gpu/gpu-sample.ts';

/** Watts of each GPU for a minute, then what the shares say. */
function createLab(options: Partial<EnergyShareOptions> = {}) {
  let nowMs = 1_000_000;
  const meters: number[] = [];
  const shares = createEnergyShares({
    backends: [{ id: 'a', gpus: [] }],
    nowMs: () => nowMs,
    ...options,
  });
  const sample = (from: GpuSample['energyFrom'] = 'counter') =>
    shares.sampled(
      meters.map((energyJ, index) => ({ ...unknownGpu(index), energyJ, energyFrom: from })),
    );
  return {
    shares,
    sample,
    minute(...watts: number[]) {
      nowMs += 60_000;
      for (const [gpu, each] of watts.entries()) meters[gpu] = (meters[gpu] ?? 0) + each * 60;
      sample();
    },
    start(gpus: number, energyJ = 5_000) {
      for (let gpu = 0; gpu < gpus; gpu += 1) meters[gpu] = energyJ;
      sample();
    },
    reset() {
      meters.fill(0);
    },
    serve: (backend: string, key: string, tokens: number, tookMs = 1_000) =>
      shares.served({ backend, key, tokens, tookMs }),
  };
}

test('keys share what their backend drew by their tokens', () => {
  const lab = createLab();
  lab.start(1);
  lab.serve('a', 'alice', 3_000);
  lab.serve('a', 'bob', 1_000);
  lab.minute(100);
  expect(lab.shares.standing()).toEqual({
    joules: 6_000,
    idleJoules: 0,
    backends: [
      { backend: 'a', joules: 6_000, idleJoules: 0, tokens: 4_000, joulesPer1kTokens: 1_500 },
    ],
    keys: [
      { key: 'alice', joules: 4_500, tokens: 3_000 },
      { key: 'bob', joules: 1_500, tokens: 1_000 },
    ],
    others: null,
  });
});

test('a GPU is shared by the backends that use it, by their tokens', () => {
  const backends = [
    { id: 'a', gpus: [0] },
    { id: 'b', gpus: [0, 1] },
  ];
  const lab = createLab({ backends });
  lab.start(3);
  lab.serve('a', 'alice', 100);
  lab.serve('b', 'bob', 300);
  lab.minute(100, 50, 10);
  const { backends: found, joules, idleJoules } = lab.shares.standing();
  expect(found.map(({ joules: each }) => each)).toEqual([1_500, 4_500 + 3_000]);
  // The third GPU is nobody's.
  expect([joules, idleJoules]).toEqual([9_600, 600]);
});

test('without work it is idle, and evenly so', () => {
  const lab = createLab({
    backends: [
      { id: 'a', gpus: [] },
      { id: 'b', gpus: [] },
    ],
  });
  lab.start(1);
  lab.minute(100);
  const { backends, idleJoules, keys } = lab.shares.standing();
  expect(backends.map((each) => [each.joules, each.idleJoules, each.joulesPer1kTokens])).toEqual([
    [3_000, 3_000, null],
    [3_000, 3_000, null],
  ]);
  expect([idleJoules, keys]).toEqual([6_000, []]);
});

test('a long request pays for the minutes in which it ran, and for none before', () => {
  const lab = createLab();
  lab.start(1);
  lab.minute(10); // Nobody was there.
  lab.minute(100);
  lab.minute(100);
  lab.serve('a', 'alice', 500, 110_000);
  lab.minute(100);
  const { keys, idleJoules, joules } = lab.shares.standing();
  expect(keys).toEqual([{ key: 'alice', joules: 18_000, tokens: 500 }]);
  expect([idleJoules, joules]).toEqual([600, 18_600]);
});

test('a driver that was loaded again counts from zero: nothing is made up', () => {
  const lab = createLab();
  lab.start(1, 1_000_000);
  lab.reset();
  lab.serve('a', 'alice', 1);
  lab.minute(0);
  expect(lab.shares.standing().joules).toBe(0);
  lab.serve('a', 'alice', 1);
  lab.minute(100);
  expect(lab.shares.standing().joules).toBe(6_000);
  lab.sample('power');
  lab.minute(1);
  expect(lab.shares.standing().joules).toBe(6_000);
});

test('what vendors and removed backends serve costs nothing here', () => {
  const lab = createLab();
  lab.start(1);
  lab.serve('openai', 'alice', 1_000);
  lab.serve('a', 'alice', 0);
  lab.minute(100);
  expect(lab.shares.standing()).toMatchObject({ keys: [], idleJoules: 6_000 });
});

test('more keys than the bound share one line; a removed backend keeps the sums true', () => {
  const lab = createLab({ keysMax: 2 });
  lab.start(1);
  for (const key of ['a', 'b', 'c', 'd']) lab.serve('a', key, 100);
  lab.minute(100);
  lab.minute(10);
  lab.shares.replaceBackends([{ id: 'new', gpus: [0] }]);
  lab.serve('new', 'a', 10);
  lab.minute(5);
  const { joules, idleJoules, keys, others } = lab.shares.standing();
  expect(keys.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(others).toEqual({ key: 'others', joules: 3_000, tokens: 200 });
  const credited = keys.reduce((sum, key) => sum + key.joules, others?.joules ?? 0);
  expect(credited + idleJoules).toBeCloseTo(joules, 6);
});
