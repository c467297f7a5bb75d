import type { LiveGpu } from '../../observe/live-document.ts';
import { renderBytes, renderCount, renderPart, UNKNOWN } from '../figures.ts';
import { renderBar } from '../sparkline.ts';
import type { Field } from '../table.ts';
import { createTableScreen } from '../table-screen.ts';

function memoryPart({ memory_used_bytes, memory_total_bytes }: LiveGpu): number | null {
  if (memory_used_bytes === null || memory_total_bytes === null) return null;
  return memory_total_bytes === 0 ? null : memory_used_bytes / memory_total_bytes;
}

function renderMemory(gpu: LiveGpu): string {
  return `${renderBytes(gpu.memory_used_bytes)}/${renderBytes(gpu.memory_total_bytes)}`;
}

function withUnit(value: number | null, unit: string): string {
  return value === null ? UNKNOWN : `${Math.round(value)}${unit}`;
}

function renderPower({ power_w, power_limit_w }: LiveGpu): string {
  if (power_w === null) return UNKNOWN;
  return power_limit_w === null
    ? withUnit(power_w, ' W')
    : `${Math.round(power_w)}/${Math.round(power_limit_w)} W`;
}

export const gpusScreen = createTableScreen<LiveGpu>('gpus', {
  empty: () => 'no GPU can be read on this machine',
  columns: [
    {
      ...{ title: 'GPU', width: 4, align: 'right' },
      text: ({ index }) => String(index),
      value: ({ index }) => -index,
    },
    { title: 'NAME', width: 'fill', text: ({ name }) => name },
    {
      ...{ title: 'UTIL', width: 5, align: 'right' },
      text: ({ utilisation }) => renderPart(utilisation),
      value: ({ utilisation }) => utilisation,
    },
    {
      ...{ title: '', width: 20, from: 100 },
      text: ({ utilisation }) => renderBar(utilisation, 20),
    },
    {
      ...{ title: 'MEMORY', width: 15, align: 'right' },
      text: renderMemory,
      value: ({ memory_used_bytes }) => memory_used_bytes,
      tone: (gpu) => ((memoryPart(gpu) ?? 0) >= 0.95 ? 'warn' : 'plain'),
    },
    {
      ...{ title: 'POWER', width: 9, align: 'right' },
      text: renderPower,
      value: ({ power_w }) => power_w,
    },
    {
      ...{ title: 'TEMP', width: 5, align: 'right' },
      text: ({ temperature_c }) => withUnit(temperature_c, ' C'),
      value: ({ temperature_c }) => temperature_c,
      tone: ({ temperature_c }) => ((temperature_c ?? 0) >= 85 ? 'bad' : 'plain'),
    },
    {
      ...{ title: 'CLOCK', width: 8, align: 'right' },
      text: ({ sm_clock_mhz }) => withUnit(sm_clock_mhz, ' MHz'),
      value: ({ sm_clock_mhz }) => sm_clock_mhz,
    },
    {
      ...{ title: 'PROC', width: 5, align: 'right' },
      text: ({ processes }) => String(processes.length),
      value: ({ processes }) => processes.length,
    },
  ],
  rows: ({ document }) => document?.gpus ?? [],
  id: ({ index }) => String(index),
  search: ({ index, name }) => `${index} ${name}`,
  detail: (gpu) => [
    ['GPU', `${gpu.index} ${gpu.name}`],
    ['utilisation', `${renderPart(gpu.utilisation)} ${renderBar(gpu.utilisation, 22)}`],
    ['memory', `${renderMemory(gpu)} ${renderBar(memoryPart(gpu), 22)}`],
    ['power', renderPower(gpu)],
    ['energy', gpu.energy_j === null ? UNKNOWN : `${renderCount(gpu.energy_j / 3_600)}Wh`],
    ['temperature', withUnit(gpu.temperature_c, ' C')],
    [
      'clocks',
      `${withUnit(gpu.sm_clock_mhz, ' MHz')}, memory ${withUnit(gpu.memory_clock_mhz, ' MHz')}`,
    ],
    ...processFields(gpu),
  ],
});

function processFields({ processes }: LiveGpu): Field[] {
  if (processes.length === 0) return [['processes', 'none listed']];
  return processes.map(({ pid, memory_bytes, backend }, at) => [
    at === 0 ? 'processes' : '',
    `${pid} ${renderBytes(memory_bytes)}${backend === null ? '' : ` ${backend}`}`,
  ]);
}
