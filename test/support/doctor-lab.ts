import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDoctorCommand } from '../../src/cli/doctor.ts';
import type { DoctorSystem } from '../../src/cli/doctor-case.ts';
import type { Area, Level } from '../../src/cli/doctor-finding.ts';
import { openGpus } from '../../src/gpu/gpu-watch.ts';
import { createFakeClock } from './fake-clock.ts';
import { type CliRun, runCli } from './run-cli.ts';
import { testDir } from './test-dir.ts';

export interface Check {
  readonly area: Area;
  readonly level: Level;
  readonly says: string;
  readonly mend: string | null;
}

/** A folder with a configuration, on a machine where all is well but what a test changes. */
export interface DoctorLab {
  readonly folder: string;
  readonly dataDir: string;
  readonly files: Map<string, string>;
  writeConfig(yaml: string): void;
  run(...args: string[]): Promise<CliRun>;
  /** What `doctor --json` has found. */
  examine(): Promise<readonly Check[]>;
}

/** The files of a Linux machine with 64 GB, and limits that a unit would set. */
const HEALTHY: readonly (readonly [path: string, text: string])[] = [
  [
    '/proc/self/limits',
    'Max open files            524288               524288               files\n',
  ],
  ['/proc/meminfo', 'MemTotal:       65000000 kB\nMemAvailable:   60000000 kB\n'],
];

export function openDoctorLab(change: Partial<DoctorSystem> = {}): DoctorLab {
  const folder = testDir();
  const files = new Map(HEALTHY);
  const clock = createFakeClock(Date.now());
  const system: DoctorSystem = {
    clock,
    uid: process.getuid?.() ?? null,
    kernel: 'Linux 6.12.0',
    readText: (path) => files.get(path) ?? null,
    openGpus: () => openGpus({ sources: [], clock, after: () => () => {} }),
    findEngines: async () => [],
    // Deadlines never pass here; the short wait of the clock's check is over at once.
    wait(delayMs) {
      if (delayMs > 1_000) return new Promise(() => {});
      clock.advance(delayMs);
      return Promise.resolve();
    },
    ...change,
  };
  const run = (...args: string[]) =>
    runCli((program, io) => addDoctorCommand(program, io, system), ['doctor', ...args], {
      cwd: folder,
    });
  return {
    folder,
    dataDir: join(folder, 'data'),
    files,
    writeConfig(yaml) {
      const head = 'listen: 127.0.0.1:0\ndata_dir: ./data\n';
      writeFileSync(join(folder, 'llmgate.yaml'), `${head}${yaml}\n`);
    },
    run,
    async examine() {
      const { out } = await run('--json');
      return JSON.parse(out).checks;
    },
  };
}
