import { openHttpClient } from '../../src/backends/http1/client.ts';
import type { EngineSettings } from '../../src/backends/process/engine-settings.ts';
import { openEngineProcesses } from '../../src/backends/process/open-engine-processes.ts';
import { createReadyProbe } from '../../src/backends/process/ready-probe.ts';
import { spawnEngine } from '../../src/backends/process/spawn-engine.ts';
import { startWatchdog } from '../../src/backends/watchdog.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemTimers } from '../../src/core/timers.ts';
import { createLineSink } from '../../src/observe/line-sink.ts';
import { createLog } from '../../src/observe/log.ts';

// A gateway that only runs engines, to be killed by tests. The argument is its settings as JSON;
// it prints a line once all of them are ready.
const processes = JSON.parse(process.argv[2] ?? '[]') as readonly EngineSettings[];
const watchdog = startWatchdog(systemClock, 20);
const sink = createLineSink((text, done) => void process.stdout.write(text, () => done(false)));
const engines = openEngineProcesses({
  processes,
  capacity: () => ({ gpuBytes: new Map([[0, 80e9]]), machineBytes: null }),
  spawn: spawnEngine,
  probe: createReadyProbe(openHttpClient({ watchdog, clock: systemClock })),
  clock: systemClock,
  timers: systemTimers,
  log: createLog({ level: 'debug', levels: {}, format: 'json', clock: systemClock, sink }),
  env: process.env,
});
const { signal } = new AbortController();
await Promise.all(processes.map(({ backend }) => engines.use(backend, signal)));
sink.flush();
process.stdout.write(
  `ready ${engines
    .views()
    .map(({ pid }) => pid)
    .join(' ')}\n`,
);
process.on('SIGTERM', async () => {
  await engines.stop();
  process.exit(0);
});
