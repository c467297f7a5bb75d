import type { GpuSample } from '../gpu/gpu-sample.ts';
import { toByteSize } from './byte-size.ts';
import type { DoctorCase } from './doctor-case.ts';
import { type Finding, isFailed, isOk, isWarned } from './doctor-finding.ts';

/** A library that wakes the GPUs up takes seconds; one that hangs takes for ever. */
const WAIT_MS = 6_000;

/** Which GPUs are seen and how, and whether backends name ones that are not there. */
export async function examineGpus({ system, config }: DoctorCase): Promise<readonly Finding[]> {
  if (config?.gpu === 'off') return [isOk('not looked for: gpu is off')];
  const watch = system.openGpus();
  try {
    await Promise.race([watch.ready, system.wait(WAIT_MS)]);
    const gpus = watch.sample();
    const { source, driver, problem } = watch.state();
    const wanted = new Set((config?.backends ?? []).flatMap(({ process }) => process?.gpus ?? []));
    if (source === null) return [...examineNothing(problem), ...examineMissing([...wanted], gpus)];
    return [
      ...gpus.map((gpu) => isOk(toLine(gpu))),
      isOk(`read over ${source}, driver ${driver ?? 'unknown'}`),
      ...(problem === null
        ? []
        : [isWarned(problem, 'The other figures are right; the log of the driver may say why.')]),
      ...examineMissing([...wanted], gpus),
    ];
  } finally {
    watch.close();
  }
}

function examineNothing(problem: string | null): Finding[] {
  if (problem === 'no GPU on this machine') return [isOk('none on this machine')];
  const says = problem ?? 'the driver does not answer';
  return [isWarned(says, 'nvidia-smi (or amd-smi) says more; llmgate serves without figures.')];
}

function examineMissing(wanted: readonly number[], gpus: readonly GpuSample[]): Finding[] {
  const missing = wanted.filter((index) => !gpus.some((gpu) => gpu.index === index));
  if (missing.length === 0) return [];
  const says = `backends name GPU ${missing.join(', ')}, which is not seen`;
  return [isFailed(says, 'Correct process.gpus of these backends.')];
}

function toLine({ index, name, memoryUsedBytes, memoryTotalBytes, isMig }: GpuSample): string {
  const memory =
    memoryUsedBytes === null || memoryTotalBytes === null
      ? 'memory unknown'
      : `${toByteSize(memoryUsedBytes)} of ${toByteSize(memoryTotalBytes)} in use`;
  return `${index}: ${name}, ${memory}${isMig === true ? ', divided into instances (MIG)' : ''}`;
}
