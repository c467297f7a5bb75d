import { existsSync } from 'node:fs';
import { systemClock } from '../core/clock.ts';
import { createAmdSmiSource } from './amd-smi.ts';
import type { GpuSource } from './gpu-source.ts';
import { type GpuWatch, type GpuWatchOptions, openGpus } from './gpu-watch.ts';
import { createNvidiaSmiSource } from './nvidia-smi.ts';
import { openNvmlSource } from './nvml-source.ts';
import { createRocmSmiSource } from './rocm-smi.ts';
import { isToolHere, runTool } from './run-tool.ts';

/** What a loaded NVIDIA driver shows; `dxg` is that of WSL. Without one no library is looked for. */
const NVIDIA_DEVICES = ['/dev/nvidiactl', '/dev/nvhost-ctrl-gpu', '/dev/nvgpu', '/dev/dxg'];
const AMD_DEVICE = '/dev/kfd';

/** The sources of a real machine, the cheapest first. A machine without devices has none. */
export function gpuSourcesHere(): readonly (() => GpuSource | null)[] {
  const isNvidia = NVIDIA_DEVICES.some((path) => existsSync(path));
  const isAmd = existsSync(AMD_DEVICE);
  return [
    () => (isNvidia ? openNvmlSource() : null),
    () => (isNvidia && isToolHere('nvidia-smi') ? createNvidiaSmiSource(runTool) : null),
    () => (isAmd && isToolHere('amd-smi') ? createAmdSmiSource(runTool) : null),
    () => (isAmd && isToolHere('rocm-smi') ? createRocmSmiSource(runTool) : null),
  ];
}

/** The GPUs of this machine. Close it when done. */
export function openGpusHere(
  options: Pick<GpuWatchOptions, 'onChange' | 'onSample'> = {},
): GpuWatch {
  return openGpus({
    ...options,
    sources: gpuSourcesHere(),
    clock: systemClock,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      // Figures keep no process alive.
      timer.unref();
      return () => clearTimeout(timer);
    },
  });
}
