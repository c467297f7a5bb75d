import { describe, expect, test } from 'vitest';
import type { EngineProcesses } from '../../src/backends/process/engine-processes.ts';
import type { EngineSettings } from '../../src/backends/process/engine-settings.ts';
import { openEngineProcesses } from '../../src/backends/process/open-engine-processes.ts';
import { GateError } from '../../src/core/error.ts';
import { createFakeBox, type FakeBox } from '../support/engine-process-fake-box.ts';
import { createFakeTime, type FakeTime } from '../support/fake-time.ts';
import { createLogBook } from '../support/log-book.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const REQUESTS = 120;
const REFUSALS = ['no_backend_available', 'backend_loading', 'caller_gone', 'draining'];

function drawProcess(index: number, random: SeededRandom): EngineSettings {
  const backend = `model-${index}`;
  return {
    ...{
      backend,
      url: `http://127.0.0.1:${9_000 + index}`,
      command: [backend],
      env: {},
      cwd: null,
    },
    ...{ readyPath: '/health', readyTimeoutMs: 30_000, stopTimeoutMs: 3_000, maxWaitMs: 300_000 },
    idleTtlMs: random.next() < 0.5 ? 60_000 : null,
    minResidencyMs: random.int(20_000),
    gpus: [random.int(2)],
    memoryBytes: random.next() < 0.3 ? null : (20 + random.int(40)) * 1e9,
    group: null,
    preload: random.next() < 0.2,
    secrets: [],
  };
}

interface Tally {
  served: number;
  refused: number;
  unsettled: number;
  readonly unexpected: unknown[];
}

/** One request: it waits, is served or leaves, and may be cut by a crash without knowing. */
async function request(
  engines: EngineProcesses,
  box: FakeBox,
  parts: {
    readonly backend: string;
    readonly time: FakeTime;
    readonly random: SeededRandom;
    readonly tally: Tally;
  },
): Promise<void> {
  const { backend, time, random, tally } = parts;
  const leaving = new AbortController();
  if (random.next() < 0.2) time.timers.after(random.int(20_000), () => leaving.abort());
  tally.unsettled += 1;
  try {
    const use = await engines.use(backend, leaving.signal);
    const pid = engines.views().find((view) => view.backend === backend)?.pid ?? 0;
    box.inUse.set(pid, (box.inUse.get(pid) ?? 0) + 1);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    time.timers.after(random.int(8_000), resolve);
    await over;
    box.inUse.set(pid, (box.inUse.get(pid) ?? 0) - 1);
    use.end();
    tally.served += 1;
  } catch (error) {
    tally.refused += 1;
    if (!(error instanceof GateError) || !REFUSALS.includes(error.code))
      tally.unexpected.push(error);
  }
  tally.unsettled -= 1;
}

describe.each(SEEDS)('a box whose engines fail, seed %i', (seed) => {
  test('keeps its promises, answers everybody, and leaves nothing', async () => {
    const random = createSeededRandom(seed);
    const time = createFakeTime();
    const processes = Array.from({ length: 5 }, (_, index) => drawProcess(index, random));
    const gpuBytes = new Map([0, 1].map((gpu) => [gpu, 80e9]));
    const capacity = { gpuBytes, machineBytes: null };
    const box = createFakeBox({ time, random, capacity, processes });
    const engines = openEngineProcesses({
      ...{ processes, spawn: box.spawn, probe: box.probe, clock: time.clock, timers: time.timers },
      ...{ capacity: () => capacity, log: createLogBook().log, env: {} },
    });
    const tally: Tally = { served: 0, refused: 0, unsettled: 0, unexpected: [] };
    const all: Promise<void>[] = [];
    for (let count = 0; count < REQUESTS; count += 1) {
      const backend = random.pick(processes).backend;
      all.push(request(engines, box, { backend, time, random, tally }));
      await time.advance(random.int(4_000));
    }
    // The longest wait, and the longest request after it.
    await time.advance(310_000);
    expect(tally).toMatchObject({ unsettled: 0, unexpected: [] });
    expect(tally.served).toBeGreaterThan(REQUESTS / 3);
    await Promise.all(all);
    expect(engines.views().map(({ inUse, waiting }) => inUse + waiting)).toEqual([0, 0, 0, 0, 0]);

    const stopped = engines.stop();
    await time.advance(10_000);
    await stopped;
    expect(box.faults).toEqual([]);
    expect(box.alive()).toBe(0);
  });
});
