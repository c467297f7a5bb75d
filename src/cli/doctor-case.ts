import type { GatewayStatus } from '../admin/gateway-schemas.ts';
import type { FoundEngine } from '../backends/local-engines.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { GpuWatch } from '../gpu/gpu-watch.ts';
import type { Finding } from './doctor-finding.ts';
import type { CliIo } from './io.ts';

/** What the doctor takes of the machine, so that a test can be another one. */
export interface DoctorSystem {
  readonly clock: Clock;
  /** null when there is no such file or it may not be read. */
  readonly readText: (path: string) => string | null;
  /** Of the user who runs this; null where there are none. */
  readonly uid: number | null;
  readonly kernel: string;
  readonly openGpus: () => GpuWatch;
  readonly findEngines: () => Promise<FoundEngine[]>;
  readonly wait: (delayMs: number) => Promise<void>;
}

/** What is known before anything is looked at closely. */
export interface DoctorCase {
  readonly io: CliIo;
  readonly system: DoctorSystem;
  /** null when there is none or it cannot be used. */
  readonly config: Config | null;
  readonly dataDir: string;
  /** What the gateway on this data directory says; null when none answers. */
  readonly running: GatewayStatus | null;
  /** The process that holds the lock of the data directory; null for none. */
  readonly holder: number | null;
}

export type Examine = (patient: DoctorCase) => Promise<readonly Finding[]>;
