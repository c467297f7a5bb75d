import { expect, test } from 'vitest';
import type { GpuSource } from '../../../src/gpu/gpu-source.ts';
import { type GpuWatchOptions, openGpus } from '../../../src/gpu/gpu-watch.ts';
import { NVML } from '../../../src/gpu/nvml-table.ts';
import { createFakeNvml, createFakeNvmlSource } from '../../support/fake-nvml.ts';
import { createFakeTime } from '../../support/fake-time.ts';

function watch(sources: GpuWatchOptions['sources'], time = createFakeTime()) {
  const told: string[] = [];
  const gpus = openGpus({
    sources,
    clock: time.clock,
    after: time.timers.after,
    onChange: (level, message) => told.push(`${level}: ${message}`),
  });
  return { gpus, told, time };
}

test('a machine without GPUs is quiet: one debug line, no timer', async () => {
  const { gpus, told, time } = watch([() => null, () => null]);
  await gpus.ready;
  expect(gpus.sample()).toEqual([]);
  expect(told).toEqual(['debug: no GPU on this machine']);
  expect(time.pending()).toEqual([]);
  gpus.close();
});

test('the last reading is what is given out, a second old at most', async () => {
  const fake = createFakeNvml();
  const { gpus, told, time } = watch([() => createFakeNvmlSource(fake)]);
  await gpus.ready;
  const first = gpus.sample();
  expect(gpus.sample()).toBe(first);
  expect(first[0]).toMatchObject({ utilisation: 0.37, energyFrom: 'counter' });
  expect(told).toEqual(['info: 1 GPU over nvml']);
  const [gpu] = fake.gpus;
  if (gpu !== undefined) gpu.utilisation = 80;
  await time.advance(999);
  expect(gpus.sample()).toBe(first);
  await time.advance(1);
  expect(gpus.sample()[0]?.utilisation).toBe(0.8);
  expect(gpus.state()).toEqual({
    ...{ source: 'nvml', driver: '570.86.15', problem: null },
    ...{ readings: 2, failures: 0, reopened: 0 },
  });
  gpus.close();
  expect([gpus.sample(), time.pending(), fake.initialised]).toEqual([[], [], 0]);
});

test('the next source is asked when one cannot be used, and when it shows nothing', async () => {
  const broken = createFakeNvml();
  broken.answers.set('nvmlInit_v2', NVML.libraryMismatch);
  const smi = scripted('nvidia-smi', [{ driver: '1', gpus: [], faults: 0 }]);
  const amd = createFakeNvmlSource(createFakeNvml());
  const { gpus, told } = watch([() => createFakeNvmlSource(broken), () => smi, () => amd]);
  await gpus.ready;
  expect(gpus.sample()).toHaveLength(1);
  expect(told).toEqual(['info: 1 GPU over nvml']);
  gpus.close();
});

test('nothing answers: said once, and looked for again, ever more seldom', async () => {
  const fake = createFakeNvml();
  fake.answers.set('nvmlInit_v2', NVML.driverNotLoaded);
  const { gpus, told, time } = watch([() => createFakeNvmlSource(fake)]);
  await gpus.ready;
  expect(time.pending()).toEqual([10_000]);
  await time.advance(10_000);
  expect(time.pending()).toEqual([20_000]);
  await time.advance(20_000);
  expect(told).toEqual(['warn: nvml: the NVIDIA driver is not loaded']);
  expect(gpus.state().problem).toBe('nvml: the NVIDIA driver is not loaded');
  fake.answers.clear();
  await time.advance(40_000);
  expect(gpus.sample()).toHaveLength(1);
  expect(gpus.state().problem).toBeNull();
  gpus.close();
});

test('a figure that fails again and again: NVML is shut down and initialised afresh', async () => {
  const fake = createFakeNvml();
  const { gpus, time } = watch([() => createFakeNvmlSource(fake)]);
  await gpus.ready;
  fake.answers.set('nvmlDeviceGetPowerUsage', NVML.unknown);
  await time.advance(4_000);
  expect([fake.initialisations, gpus.sample()[0]?.powerW]).toEqual([1, null]);
  expect(gpus.state().problem).toBe('figures are missing');
  await time.advance(1_000);
  expect([fake.initialisations, fake.initialised, gpus.state().reopened]).toEqual([2, 1, 1]);
  // A fault for ever does not mean opening for ever.
  await time.advance(60_000);
  expect(fake.initialisations).toBeLessThanOrEqual(4);
  fake.answers.clear();
  await time.advance(2_000);
  expect([gpus.sample()[0]?.powerW, gpus.state().problem]).toEqual([412.345, null]);
  gpus.close();
});

test('a call that never returns: no second one is begun, and old figures are not shown', async () => {
  const stuck = Promise.withResolvers<never>();
  let reads = 0;
  const fake = createFakeNvmlSource(createFakeNvml());
  const source: GpuSource = {
    ...fake,
    read() {
      reads += 1;
      return reads === 1 ? fake.read() : stuck.promise;
    },
  };
  const { gpus, told, time } = watch([() => source]);
  await gpus.ready;
  await time.advance(600_000);
  expect(reads).toBe(2);
  expect(gpus.sample()).toEqual([]);
  expect(told.at(-1)).toBe('warn: nvml does not answer');
  gpus.close();
});

test('power is summed up where no counter is, and not over a gap', async () => {
  const fake = createFakeNvml();
  fake.answers.set('nvmlDeviceGetTotalEnergyConsumption', NVML.notSupported);
  const [gpu] = fake.gpus;
  if (gpu === undefined) throw new Error('there is one');
  gpu.powerMw = 100_000;
  const { gpus, time } = watch([() => createFakeNvmlSource(fake)]);
  await gpus.ready;
  await time.advance(10_000);
  expect(gpus.sample()[0]).toMatchObject({ energyJ: 1_000, energyFrom: 'power' });
  gpu.powerMw = 300_000;
  await time.advance(1_000);
  expect(gpus.sample()[0]?.energyJ).toBeCloseTo(1_200, 6);
  time.clock.advance(3_600_000);
  await time.advance(0);
  expect(gpus.sample()[0]?.energyJ).toBeCloseTo(1_200, 6);
  gpus.close();
});

test('a counter that is missing once is not replaced by a sum', async () => {
  const fake = createFakeNvml();
  const { gpus, time } = watch([() => createFakeNvmlSource(fake)]);
  await gpus.ready;
  fake.answers.set('nvmlDeviceGetTotalEnergyConsumption', NVML.unknown);
  await time.advance(1_000);
  expect(gpus.sample()[0]).toMatchObject({ energyJ: null, energyFrom: null });
  fake.answers.clear();
  await time.advance(1_000);
  expect(gpus.sample()[0]).toMatchObject({ energyJ: 9_876_543.21, energyFrom: 'counter' });
  gpus.close();
});

function scripted(
  name: GpuSource['name'],
  readings: Awaited<ReturnType<GpuSource['read']>>[],
): GpuSource {
  return {
    name,
    everyMs: 5_000,
    async read() {
      const reading = readings.shift();
      if (reading === undefined) throw new Error('no more');
      return reading;
    },
    close() {},
  };
}
