import { expect, test } from 'vitest';
import { createAmdSmiSource, parseAmdSmi } from '../../../src/gpu/amd-smi.ts';
import { createNvidiaSmiSource, parseNvidiaSmi } from '../../../src/gpu/nvidia-smi.ts';
import { parseRocmSmi } from '../../../src/gpu/rocm-smi.ts';
import { runTool } from '../../../src/gpu/run-tool.ts';

test('nvidia-smi: figures, and the words it has for none', () => {
  const gpus = [
    '0, GPU-aa, 570.86.15, NVIDIA H200, 98, 120345, 143771, 650.31, 700.00, 64, 1980, 3201',
    '1, GPU-bb, 570.86.15, NVIDIA H200, [N/A], 4, 143771, [Not Supported], [Unknown Error], 30, 345, 3201',
    'No devices were found',
    '',
  ].join('\n');
  const processes = 'GPU-aa, 4711, 120000\nGPU-aa, 4712, [N/A]\nGPU-cc, 1, 1\n';
  const reading = parseNvidiaSmi(gpus, processes);
  expect(reading.driver).toBe('570.86.15');
  expect(reading.gpus).toHaveLength(2);
  expect(reading.gpus[0]).toMatchObject({
    ...{ index: 0, uuid: 'GPU-aa', name: 'NVIDIA H200', utilisation: 0.98 },
    ...{ memoryUsedBytes: 120_345 * 2 ** 20, memoryTotalBytes: 143_771 * 2 ** 20 },
    ...{ powerW: 650.31, powerLimitW: 700, temperatureC: 64, smClockMhz: 1980, memClockMhz: 3201 },
    energyJ: null,
    processes: [
      { pid: 4711, memoryBytes: 120_000 * 2 ** 20 },
      { pid: 4712, memoryBytes: null },
    ],
  });
  expect(reading.gpus[1]).toMatchObject({
    ...{ utilisation: null, powerW: null, powerLimitW: null, temperatureC: 30, processes: [] },
  });
});

test('nvidia-smi that fails, or prints something else', async () => {
  await expect(createNvidiaSmiSource(async () => null).read()).rejects.toThrow('nvidia-smi failed');
  const told = await createNvidiaSmiSource(async () => 'Failed to initialize NVML\n').read();
  expect(told.gpus).toEqual([]);
});

const METRIC = {
  gpu: 0,
  usage: { gfx_activity: { value: 42, unit: '%' }, vcn_activity: ['N/A', 'N/A'] },
  power: { socket_power: { value: 20, unit: 'W' }, throttle_status: 'UNTHROTTLED' },
  clock: { gfx_0: { clk: { value: 1400, unit: 'MHz' } }, mem_0: { clk: '900 MHz' } },
  temperature: { edge: { value: 41, unit: 'C' }, hotspot: { value: 44, unit: 'C' }, mem: 'N/A' },
  mem_usage: { total_vram: { value: 16368, unit: 'MB' }, used_vram: { value: 14569, unit: 'MB' } },
  energy: { total_energy_consumption: { value: 1234.5, unit: 'J' } },
};
const STATIC = {
  gpu: 0,
  asic: { market_name: 'AMD Radeon RX 7800 XT', asic_serial: '0x5ab1' },
  limit: { max_power: { value: 263, unit: 'W' } },
  driver: { name: 'amdgpu', version: '6.12.12' },
};
const PROCESS = {
  gpu: 0,
  process_list: [
    {
      process_info: { name: 'vllm', pid: 77, memory_usage: { vram_mem: { value: 9, unit: 'GB' } } },
    },
    { process_info: 'No running processes detected' },
  ],
};

test.each([
  ['a list', (gpu: unknown) => [gpu]],
  ['a list in gpu_data', (gpu: unknown) => ({ gpu_data: [gpu] })],
])('amd-smi: %s', (_, wrap) => {
  const print = (document: unknown) =>
    `WARNING: not in the render group\n${JSON.stringify(document)}`;
  const reading = parseAmdSmi(print(wrap(METRIC)), print(wrap(STATIC)), print(wrap(PROCESS)));
  expect(reading).toMatchObject({ driver: '6.12.12', faults: 0 });
  expect(reading.gpus).toEqual([
    expect.objectContaining({
      ...{ index: 0, uuid: '0x5ab1', name: 'AMD Radeon RX 7800 XT', utilisation: 0.42 },
      ...{ memoryUsedBytes: 14_569 * 2 ** 20, memoryTotalBytes: 16_368 * 2 ** 20 },
      ...{ powerW: 20, powerLimitW: 263, energyJ: 1234.5, temperatureC: 44 },
      ...{ smClockMhz: 1400, memClockMhz: 900 },
      processes: [{ pid: 77, memoryBytes: 9 * 2 ** 30 }],
    }),
  ]);
});

test('amd-smi: what it does not say is null', () => {
  const { gpus } = parseAmdSmi(
    '[{"gpu": 3, "usage": "N/A", "power": {"socket_power": "N/A"}}]',
    null,
    null,
  );
  expect(gpus[0]).toMatchObject({
    ...{ index: 3, name: 'AMD GPU', utilisation: null, powerW: null, processes: null },
  });
  expect(() => parseAmdSmi('{"gpu": 0}', null, null)).toThrow('something else');
  expect(() => parseAmdSmi('Traceback (most recent call last)', null, null)).toThrow(
    'something else',
  );
});

test('amd-smi: names are asked for once', async () => {
  const asked: string[] = [];
  const source = createAmdSmiSource(async ([, what = '']) => {
    asked.push(what);
    return JSON.stringify([what === 'metric' ? METRIC : what === 'static' ? STATIC : PROCESS]);
  });
  await source.read();
  await source.read();
  expect(asked).toEqual(['static', 'metric', 'process', 'metric', 'process']);
});

test('rocm-smi: figures as text, under names that changed', () => {
  const card = {
    'Unique ID': '0xa32343daf897162a',
    'Card Series': 'AMD Instinct MI250X',
    'GPU use (%)': '100',
    'VRAM Total Memory (B)': '68702699520',
    'VRAM Total Used Memory (B)': '11505664',
    'Max Graphics Package Power (W)': '560.0',
    'Average Graphics Package Power (W)': '144.0',
    'Temperature (Sensor edge) (C)': '56.0',
    'Temperature (Sensor junction) (C)': '61.0',
    'sclk clock speed:': '(1700Mhz)',
    'mclk clock speed:': '(1600Mhz)',
  };
  const document = { card1: card, card0: {}, system: { 'Driver version': '5.18.13' } };
  const { driver, gpus } = parseRocmSmi(JSON.stringify(document));
  expect(driver).toBe('5.18.13');
  expect(gpus).toHaveLength(2);
  expect(gpus.find(({ index }) => index === 1)).toMatchObject({
    ...{ uuid: '0xa32343daf897162a', name: 'AMD Instinct MI250X', utilisation: 1 },
    ...{ memoryUsedBytes: 11_505_664, memoryTotalBytes: 68_702_699_520 },
    ...{ powerW: 144, powerLimitW: 560, temperatureC: 61, smClockMhz: 1700, memClockMhz: 1600 },
    processes: null,
  });
  expect(gpus.find(({ index }) => index === 0)).toMatchObject({ name: 'AMD GPU', powerW: null });
  expect(() => parseRocmSmi('')).toThrow('something else');
});

test('a tool gets none of our environment, and one that fails or is missing gives nothing', async () => {
  const environment = await runTool(['env']);
  expect(
    environment
      ?.split('\n')
      .filter(Boolean)
      .map((line) => line.split('=')[0])
      .toSorted(),
  ).toEqual(['HOME', 'LC_ALL', 'PATH']);
  expect(await runTool(['false'])).toBeNull();
  expect(await runTool(['no-such-tool'])).toBeNull();
});
