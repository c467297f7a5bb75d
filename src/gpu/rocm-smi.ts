import { firstFigure, memberOf, parseToolJson, toPart } from './amd-json.ts';
import { GPUS_MAX, type GpuFacts, unknownGpu } from './gpu-sample.ts';
import type { GpuReading, GpuSource } from './gpu-source.ts';
import { toOneLine } from './one-line.ts';
import type { RunTool } from './run-tool.ts';

const EVERY_MS = 5_000;

const QUERY = [
  ...['rocm-smi', '--showuniqueid', '--showproductname', '--showuse', '--showmeminfo', 'vram'],
  ...[
    '--showpower',
    '--showmaxpower',
    '--showtemp',
    '--showclocks',
    '--showdriverversion',
    '--json',
  ],
] as const satisfies readonly [string, ...string[]];

/** `rocm-smi` of ROCm 5 and older, which has no `amd-smi`. It lists no processes by GPU. */
export function createRocmSmiSource(run: RunTool): GpuSource {
  return {
    name: 'rocm-smi',
    everyMs: EVERY_MS,
    async read() {
      const printed = await run(QUERY);
      if (printed === null) throw new Error('rocm-smi failed');
      return parseRocmSmi(printed);
    },
    close() {},
  };
}

/** `{ "card0": { "GPU use (%)": "3", … }, "system": … }`. Throws when it is no such document. */
export function parseRocmSmi(printed: string): GpuReading {
  const document = parseToolJson(printed);
  if (typeof document !== 'object' || document === null) {
    throw new Error('rocm-smi printed something else than GPUs');
  }
  const driver = memberOf(document, 'system', 'Driver version');
  return {
    driver: typeof driver === 'string' ? toOneLine(driver) : null,
    gpus: Object.entries(document)
      .flatMap(([name, card]) => {
        const [, digits] = /^card(\d+)$/.exec(name) ?? [];
        return digits === undefined ? [] : [toFacts(Number(digits), card)];
      })
      .slice(0, GPUS_MAX),
    faults: 0,
  };
}

function toFacts(index: number, card: unknown): GpuFacts {
  const figure = (...names: string[]) => firstFigure(names.map((name) => memberOf(card, name)));
  const text = (...names: string[]) => {
    const value = names
      .map((name) => memberOf(card, name))
      .find((each) => typeof each === 'string');
    return typeof value === 'string' && value !== 'N/A' ? toOneLine(value) || null : null;
  };
  return {
    ...unknownGpu(index),
    uuid: text('Unique ID'),
    name: text('Card Series', 'Card series', 'Card Model', 'Card model') ?? 'AMD GPU',
    utilisation: toPart(figure('GPU use (%)')),
    memoryUsedBytes: figure('VRAM Total Used Memory (B)'),
    memoryTotalBytes: figure('VRAM Total Memory (B)'),
    powerW: figure(
      'Current Socket Graphics Package Power (W)',
      'Average Graphics Package Power (W)',
    ),
    powerLimitW: figure('Max Graphics Package Power (W)'),
    temperatureC: figure('Temperature (Sensor junction) (C)', 'Temperature (Sensor edge) (C)'),
    smClockMhz: figure('sclk clock speed:'),
    memClockMhz: figure('mclk clock speed:'),
  };
}
