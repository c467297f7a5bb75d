import { readFileSync } from 'node:fs';
import { release, type } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { GatewayStatus } from '../admin/gateway-schemas.ts';
import { systemClock } from '../core/clock.ts';
import { addLocalOptions } from './admin-access.ts';
import { shouldColor } from './color.ts';
import { type AccessFlags, findDataDir } from './data-dir.ts';
import { examineBackends } from './doctor-backends.ts';
import type { DoctorCase, DoctorSystem, Examine } from './doctor-case.ts';
import { examineConfig } from './doctor-config.ts';
import { examineDataDir } from './doctor-data-dir.ts';
import { AREAS, type Area, isFailed, isWarned } from './doctor-finding.ts';
import { examineAdminPlane, examineGateway } from './doctor-gateway.ts';
import { examineGpus } from './doctor-gpu.ts';
import { findLockHolder } from './doctor-lock.ts';
import { examineClock, examineDescriptors, examineMemory } from './doctor-machine.ts';
import { type Diagnosis, hasFailed, toDoctorReport } from './doctor-report.ts';
import { examineStore } from './doctor-store.ts';
import { examineVersions } from './doctor-versions.ts';
import { EXIT } from './exit-code.ts';
import { findEnginesHere } from './find-engines-here.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { startProgressLine } from './progress-line.ts';

const EXAMPLE = `Examples:
  llmgate doctor                             every line ok, warn or fail
  llmgate doctor -c /etc/llmgate/config.yaml --json

`;

/** Longer than anything waits by itself: backends 5 s each request, GPUs 6 s. */
const AREA_DEADLINE_MS = 20_000;

/** A gateway that is alive answers in milliseconds, even a busy one. */
const STATUS_TIMEOUT_MS = 3_000;

type DoctorFlags = AccessFlags & OutputOptions;

export function addDoctorCommand(program: Command, io: CliIo, system?: DoctorSystem): void {
  const command = program
    .command('doctor')
    .description('look at everything llmgate needs; exit 1 when something has failed')
    .addHelpText('before', EXAMPLE);
  addOutputOptions(addLocalOptions(command)).action(async (flags: DoctorFlags) => {
    const diagnoses = await diagnose(flags, io, system ?? (await createSystem()));
    const colored = flags.output === 'table' && shouldColor(flags.color, io);
    await printReport(io, flags, toDoctorReport(diagnoses, colored));
    if (hasFailed(diagnoses)) io.setExitCode(EXIT.failed);
  });
}

const EXAMINATIONS: Readonly<Record<Exclude<Area, 'configuration'>, Examine>> = {
  'data directory': examineDataDir,
  store: examineStore,
  gateway: examineGateway,
  'admin plane': examineAdminPlane,
  backends: examineBackends,
  gpu: examineGpus,
  clock: examineClock,
  descriptors: examineDescriptors,
  memory: examineMemory,
  versions: examineVersions,
};

/** Everything at once, told in the order of the areas. */
async function diagnose(
  flags: DoctorFlags,
  io: CliIo,
  system: DoctorSystem,
): Promise<readonly Diagnosis[]> {
  const pending = new Set<Area>(AREAS);
  const stopProgress = startProgressLine(io, () => `looking at: ${[...pending].join(', ')}`);
  try {
    const { config, findings } = await examineConfig(flags.config, io, system.findEngines);
    pending.delete('configuration');
    const dataDir = await findDirectory(flags, io);
    const running = await findRunning(join(dataDir, 'admin.sock'));
    const holder = findLockHolder(dataDir, system.readText);
    const patient: DoctorCase = { io, system, config, dataDir, running, holder };
    const examined = await Promise.all(
      AREAS.map(async (area): Promise<Diagnosis> => {
        if (area === 'configuration') return { area, findings };
        const found = await examineSafely(EXAMINATIONS[area], patient);
        pending.delete(area);
        return { area, findings: found };
      }),
    );
    return examined;
  } finally {
    stopProgress();
  }
}

/** One area that cannot be looked at must not hide the others. */
async function examineSafely(examine: Examine, patient: DoctorCase) {
  const { wait } = patient.system;
  const late = wait(AREA_DEADLINE_MS).then(() => [
    isWarned('it took too long to look at', 'Try again; something here hangs.'),
  ]);
  try {
    return await Promise.race([examine(patient), late]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return [isFailed(`it cannot be looked at: ${why}`, 'Run this as the user of the gateway.')];
  }
}

/** Also of a configuration that cannot be used, as far as it says where. */
async function findDirectory(flags: DoctorFlags, io: CliIo): Promise<string> {
  try {
    return (await findDataDir(flags, io)).path;
  } catch {
    return join(io.cwd, 'llmgate-data');
  }
}

async function findRunning(socketPath: string): Promise<GatewayStatus | null> {
  const { createRemoteOperations } = await import('../admin/remote-operations.ts');
  const signal = AbortSignal.timeout(STATUS_TIMEOUT_MS);
  try {
    return await createRemoteOperations({ socketPath }, { signal }).status();
  } catch {
    return null;
  }
}

async function createSystem(): Promise<DoctorSystem> {
  const { openGpusHere } = await import('../gpu/open-gpus-here.ts');
  return {
    clock: systemClock,
    uid: process.getuid?.() ?? null,
    kernel: `${type()} ${release()}`,
    openGpus: () => openGpusHere(),
    findEngines: findEnginesHere,
    readText(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    },
    wait: (delayMs) =>
      new Promise((resolve) => {
        setTimeout(resolve, delayMs);
      }),
  };
}
