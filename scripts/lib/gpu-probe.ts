import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/core/clock.ts';
import { openGpus } from '../../src/gpu/gpu-watch.ts';
import { createNvidiaSmiSource } from '../../src/gpu/nvidia-smi.ts';
import { NVML_LIBRARY } from '../../src/gpu/nvml-library.ts';
import { loadNvml } from '../../src/gpu/nvml-load.ts';
import { openNvmlReader } from '../../src/gpu/nvml-reader.ts';
import { openNvmlSource } from '../../src/gpu/nvml-source.ts';
import type { NvmlCall, NvmlTable } from '../../src/gpu/nvml-table.ts';
import { gpuSourcesHere } from '../../src/gpu/open-gpus-here.ts';
import { isToolHere, runTool } from '../../src/gpu/run-tool.ts';

// For a machine with a GPU: holds what is read through NVML against nvidia-smi, times every call,
// and measures what the event loop of the gateway notices of it.

const HELP = `Prints what llmgate sees of the GPUs of this machine, as one JSON document.

  scripts/gpu-probe [--seconds 5] [--library ${NVML_LIBRARY}]
`;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    library: { type: 'string', default: NVML_LIBRARY },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  process.stdout.write(HELP);
} else {
  const seconds = Number(flags.seconds);
  const report = {
    bun: Bun.version,
    kernel: (await runTool(['uname', '-sr']))?.trim() ?? null,
    nvml: probeNvml(flags.library, seconds),
    nvidia_smi: await probeNvidiaSmi(),
    watch: await probeWatch(flags.library, seconds),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

/** NVML in this thread, a reading every 200 ms, with the time of every call. */
function probeNvml(library: string, seconds: number): unknown {
  const times = new Map<string, number[]>();
  try {
    const timed = timeCalls(loadNvml(library), times);
    const openedAtMs = performance.now();
    const reader = openNvmlReader(timed);
    const openMs = performance.now() - openedAtMs;
    const readings = Array.from({ length: Math.max(1, seconds * 5) }, () => {
      const beganMs = performance.now();
      const reading = reader.read();
      const tookMs = performance.now() - beganMs;
      Bun.sleepSync(200);
      return { tookMs, reading };
    });
    reader.close();
    return {
      functions_found: Object.keys(timed),
      open_ms: round(openMs),
      read_ms: spread(readings.map(({ tookMs }) => tookMs)),
      calls_us: Object.fromEntries(
        [...times].map(([name, all]) => [name, spread(all.map((ms) => ms * 1_000))]),
      ),
      first: readings[0]?.reading,
      last: readings.at(-1)?.reading,
    };
  } catch (cause) {
    return { problem: String(cause) };
  }
}

function timeCalls(table: NvmlTable, times: Map<string, number[]>): NvmlTable {
  const timed: Record<string, NvmlCall> = {};
  for (const [name, call] of Object.entries(table)) {
    timed[name] = (...args) => {
      const beganMs = performance.now();
      const code = call(...args);
      const all = times.get(name) ?? [];
      all.push(performance.now() - beganMs);
      times.set(name, all);
      return code;
    };
  }
  return timed;
}

async function probeNvidiaSmi(): Promise<unknown> {
  if (!isToolHere('nvidia-smi')) return { problem: 'it is not here' };
  const beganMs = performance.now();
  try {
    const reading = await createNvidiaSmiSource(runTool).read();
    return { took_ms: round(performance.now() - beganMs), reading };
  } catch (cause) {
    return { problem: String(cause) };
  }
}

/** The watch as a gateway runs it, and the lag of this event loop meanwhile. */
async function probeWatch(library: string, seconds: number): Promise<unknown> {
  const changes: string[] = [];
  const samples: unknown[] = [];
  const memoryBefore = process.memoryUsage().rss;
  const sources = library === NVML_LIBRARY ? gpuSourcesHere() : [() => openNvmlSource(library)];
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  const cpuBefore = process.cpuUsage();
  const watch = openGpus({
    sources,
    clock: systemClock,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    onChange: (level, message) => changes.push(`${level}: ${message}`),
    onSample: (each) => samples.push(each),
  });
  await Promise.race([watch.ready, Bun.sleep(20_000)]);
  const readyCpu = process.cpuUsage(cpuBefore);
  const runningSince = process.cpuUsage();
  await Bun.sleep(seconds * 1_000);
  const cpu = process.cpuUsage(runningSince);
  lag.disable();
  const report = {
    state: watch.state(),
    changes,
    start_cpu_ms: round((readyCpu.user + readyCpu.system) / 1_000),
    cpu_percent_of_a_core: round((cpu.user + cpu.system) / 10_000 / seconds),
    memory_mb: round((process.memoryUsage().rss - memoryBefore) / 1_000_000),
    event_loop_lag_ms: { p99: round(lag.percentile(99) / 1e6), max: round(lag.max / 1e6) },
    samples,
  };
  watch.close();
  return report;
}

function spread(values: readonly number[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  return { calls: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
