import type { Balance } from '../../../src/routing/balance.ts';
import type { Target } from '../../../src/routing/model-table.ts';
import type { Replica } from '../../../src/routing/replica.ts';
import { createScheduler } from '../../../src/routing/scheduler.ts';
import { createSeededRandom } from '../seeded-random.ts';
import { type EngineShape, SimulatedEngine } from './scheduler-engine.ts';
import { SimulatedEvents } from './scheduler-events.ts';
import { endlessHitRate, type TraceRequest } from './scheduler-trace.ts';

export interface ReplayOptions {
  readonly balance: Balance;
  readonly replicas: number;
  readonly shape: EngineShape;
  readonly stickyTokens: number;
}

export interface ReplayReport {
  readonly hitRate: number;
  /** Part of what an endless cache shared by all would have had. */
  readonly ofEndless: number;
  /** Busiest replica against the mean, by prompt tokens read and tokens answered. */
  readonly maxToMean: number;
  /** The same by requests. */
  readonly maxToMeanRequests: number;
  readonly ttftP50Ms: number;
  readonly ttftP99Ms: number;
}

/** Plays a trace through the scheduler to simulated engines. The same options give the same report. */
export function replay(trace: readonly TraceRequest[], options: ReplayOptions): ReplayReport {
  const events = new SimulatedEvents();
  const engines = new Map<string, SimulatedEngine>();
  const targets: Target[] = [];
  for (let index = 0; index < options.replicas; index += 1) {
    const backend = `gpu-${index}`;
    engines.set(backend, new SimulatedEngine(events, options.shape));
    targets.push({ backend, model: 'm', publicModel: 'm', price: null, weight: 1 });
  }
  const { scheduler, play } = players(events, engines, targets, options);
  const ttfts: number[] = [];
  for (const request of trace) {
    events.at(request.timestampMs, () => play(request, (ttftMs) => ttfts.push(ttftMs)));
  }
  events.run();
  for (const { inFlight } of scheduler.views(events.nowMs)) {
    if (inFlight !== 0) throw new Error('a place was not given back');
  }
  ttfts.sort((one, two) => one - two);
  const all = [...engines.values()];
  const blocks = trace.reduce((sum, request) => sum + request.blocks.length, 0);
  const hitRate = all.reduce((sum, engine) => sum + engine.hitBlocks, 0) / blocks;
  return {
    hitRate,
    ofEndless: hitRate / endlessHitRate(trace),
    maxToMean: maxToMean(all.map((engine) => engine.readTokens + engine.answeredTokens)),
    maxToMeanRequests: maxToMean(all.map((engine) => engine.requests)),
    ttftP50Ms: ttfts[Math.floor(ttfts.length * 0.5)] ?? 0,
    ttftP99Ms: ttfts[Math.floor(ttfts.length * 0.99)] ?? 0,
  };
}

function players(
  events: SimulatedEvents,
  engines: ReadonlyMap<string, SimulatedEngine>,
  candidates: readonly Target[],
  { balance, stickyTokens }: ReplayOptions,
) {
  const replicas = new Map([...engines.keys()].map((id) => [id, alwaysUp(id)]));
  const scheduler = createScheduler({
    replicas: (id) => replicas.get(id),
    settings: { maxWaiting: 0, modelConcurrency: new Map(), engineQueue: 8, stickyTokens },
    random: createSeededRandom(1).next,
  });
  const play = (request: TraceRequest, onTtft: (ttftMs: number) => void) => {
    const { inputTokens, outputTokens, blocks } = request;
    const startMs = events.nowMs;
    const job = { model: 'm', candidates, balance, subject: 'all', weight: 1, priority: 0 };
    const prefix = balance === 'sticky' ? Uint32Array.from(blocks, spreadBits) : new Uint32Array(0);
    const asked = scheduler.ask({ ...job, inputTokens, prefix, session: null }, events.nowMs, {
      onLease: () => {},
      onUnavailable: () => {},
    });
    if (asked.kind !== 'lease') throw new Error(`${asked.kind} although there is no bound`);
    const { lease } = asked;
    engines.get(lease.target.backend)?.send({
      inputTokens,
      outputTokens,
      blocks,
      onFirstToken: () => {
        onTtft(events.nowMs - startMs);
        lease.firstToken(events.nowMs);
      },
      onEnd: () => {
        lease.output(outputTokens);
        lease.end('ok', events.nowMs);
      },
    });
  };
  return { scheduler, play };
}

function alwaysUp(id: string): Replica {
  const share = () => 1;
  const accepts = () => true;
  return {
    id,
    accepts,
    isComing: false,
    isLastResort: () => false,
    maxConcurrency: null,
    engineLoad: () => null,
    share,
  };
}

/** Numbers of a trace are counted from 0; hashes are not. */
function spreadBits(block: number): number {
  return Math.imul(block + 1, 0x9e37_79b1) >>> 0;
}

function maxToMean(loads: readonly number[]): number {
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  return Math.max(...loads) / mean;
}
