import { expect, test } from 'vitest';
import { openNvmlReader } from '../../../src/gpu/nvml-reader.ts';
import { NVML, type NvmlFunction } from '../../../src/gpu/nvml-table.ts';
import { createFakeNvml, type FakeNvml, someGpu } from '../../support/fake-nvml.ts';

test('every figure of every GPU', () => {
  const second = someGpu({ name: 'NVIDIA L4\u001b[31m', uuid: 'GPU-2', processes: [] });
  const reader = openNvmlReader(createFakeNvml([someGpu(), second]).table);
  const { driver, gpus, faults } = reader.read();
  expect({ driver, faults }).toEqual({ driver: '570.86.15', faults: 0 });
  expect(gpus[0]).toEqual({
    index: 0,
    uuid: 'GPU-0b7e1f3a-0000-4000-8000-000000000000',
    name: 'NVIDIA H200',
    utilisation: 0.37,
    memoryUsedBytes: 20_000_000_000,
    memoryTotalBytes: 150_754_820_096,
    powerW: 412.345,
    powerLimitW: 700,
    energyJ: 9_876_543.21,
    temperatureC: 61,
    smClockMhz: 1_980,
    memClockMhz: 3_201,
    isMig: false,
    processes: [{ pid: 4711, memoryBytes: 19_000_000_000 }],
  });
  expect(gpus[1]).toMatchObject({ index: 1, name: 'NVIDIA L4[31m', processes: [] });
});

const PROCESSES = [
  { pid: 11, memoryBytes: 1_000 },
  { pid: 0x7fff_fff1, memoryBytes: 90_000_000_000 },
  { pid: 33, memoryBytes: -1 },
];

test.each([
  ['_v2 wherever it is there', []],
  ['_v3 of most drivers', ['nvmlDeviceGetComputeRunningProcesses_v2']],
  [
    'the oldest',
    ['nvmlDeviceGetComputeRunningProcesses_v2', 'nvmlDeviceGetComputeRunningProcesses_v3'],
  ],
] as const)('processes: %s', (_, missing) => {
  const fake = createFakeNvml([someGpu({ processes: PROCESSES })]);
  for (const name of missing) fake.missing.add(name);
  expect(openNvmlReader(fake.table).read().gpus[0]?.processes).toEqual([
    { pid: 11, memoryBytes: 1_000 },
    { pid: 0x7fff_fff1, memoryBytes: 90_000_000_000 },
    { pid: 33, memoryBytes: null },
  ]);
});

test('processes: the drivers whose _v3 has longer entries than its name says', () => {
  const fake = createFakeNvml([someGpu({ processes: PROCESSES, entryBytes: 32 })]);
  fake.missing.add('nvmlDeviceGetComputeRunningProcesses_v2');
  const pids = openNvmlReader(fake.table)
    .read()
    .gpus[0]?.processes?.map(({ pid }) => pid);
  expect(pids).toEqual([11, 0x7fff_fff1, 33]);
});

test('more processes than are listed: none are, and it is a fault', () => {
  const processes = Array.from({ length: 300 }, (_, pid) => ({ pid, memoryBytes: 1 }));
  const { gpus, faults } = openNvmlReader(createFakeNvml([someGpu({ processes })]).table).read();
  expect([gpus[0]?.processes, gpus[0]?.utilisation, faults]).toEqual([null, 0.37, 1]);
});

test('an old library lacks functions: their fields are null, and nothing is wrong', () => {
  const fake = createFakeNvml();
  for (const name of Object.keys(fake.table) as NvmlFunction[]) {
    if (/Energy|Mig|Processes|EnforcedPower/.test(name)) fake.missing.add(name);
  }
  const { gpus, faults } = openNvmlReader(fake.table).read();
  expect(faults).toBe(0);
  expect(gpus[0]).toMatchObject({
    ...{ energyJ: null, isMig: null, processes: null, powerLimitW: null },
    ...{ utilisation: 0.37, powerW: 412.345 },
  });
});

test('a GPU in instances has no utilisation of the whole', () => {
  const fake = createFakeNvml([someGpu({ isMig: true })]);
  fake.answers.set('nvmlDeviceGetUtilizationRates', NVML.notSupported);
  const { gpus, faults } = openNvmlReader(fake.table).read();
  expect([gpus[0]?.isMig, gpus[0]?.utilisation, faults]).toEqual([true, null, 0]);
});

test('a call that fails midway: one field is null for as long as it does', () => {
  const fake = createFakeNvml();
  const reader = openNvmlReader(fake.table);
  const powerAndHeat = () => {
    const { gpus, faults } = reader.read();
    return [gpus[0]?.powerW, gpus[0]?.temperatureC, faults];
  };
  expect(powerAndHeat()).toEqual([412.345, 61, 0]);
  fake.answers.set('nvmlDeviceGetPowerUsage', NVML.unknown);
  expect(powerAndHeat()).toEqual([null, 61, 1]);
  fake.answers.clear();
  expect(powerAndHeat()).toEqual([412.345, 61, 0]);
});

test('a GPU that cannot be opened is left out and counted in every reading', () => {
  const fake = createFakeNvml();
  fake.answers.set('nvmlDeviceGetHandleByIndex_v2', NVML.gpuIsLost);
  const reader = openNvmlReader(fake.table);
  expect(reader.read()).toMatchObject({ gpus: [], faults: 1 });
  expect(reader.read()).toMatchObject({ gpus: [], faults: 1 });
});

test('a number of GPUs that cannot be', () => {
  const fake = createFakeNvml(Array.from({ length: 4_000 }, () => someGpu()));
  expect(openNvmlReader(fake.table).read().gpus).toHaveLength(64);
});

test.each([
  [NVML.driverNotLoaded, 'the NVIDIA driver is not loaded'],
  [NVML.noPermission, 'this user may not use the GPU devices'],
  [NVML.libraryMismatch, 'different versions'],
  [12_345, 'NVML error 12345'],
])('NVML that cannot be initialised says why: %i', (code, why) => {
  const fake: FakeNvml = createFakeNvml();
  fake.answers.set('nvmlInit_v2', code);
  expect(() => openNvmlReader(fake.table)).toThrow(why);
});

test('a library that is no NVML', () => {
  expect(() => openNvmlReader({})).toThrow('too old');
});
