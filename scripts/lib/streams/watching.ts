import { readdirSync, readFileSync } from 'node:fs';
import { median } from '../spread.ts';
import { checkServed, runLoad } from './bench-load.ts';
import type { Figure, Settings } from './figure.ts';
import { type Gateway, onePool, type Rig } from './rig.ts';

const RATE = 1_000;
const LIVE_EVERY_MS = 500;
/** Of the last document, as `top` says it in its next question. */
let seq = 0;
const LOOKS = 20;
const WARM_UP_SECONDS = 4;

/**
 * CPU of a gateway under 1,000 requests/s, alone and while the document of `llmgate top` is asked for
 * twice a second and /metrics once. One load goes on while both take turns every second, so that
 * whatever the machine does hits both.
 */
export async function measureWatching(rig: Rig, settings: Settings): Promise<Figure[]> {
  const mock = await rig.startMock();
  const gateway = await rig.startGateway('watching', onePool(mock));
  const pairs = settings.rounds * settings.seconds;
  const seconds = WARM_UP_SECONDS + 2 * pairs + 2;
  const flags = ['--no-stream', '--request-rate', `${RATE}`, '--burstiness', 'inf'];
  const more = ['--duration', `${seconds}s`, '--input-len', '32', '--output-len', '8'];
  const load = runLoad(rig.binary, gateway.way, { tokens: 8 }, [...flags, ...more]);
  await Bun.sleep(WARM_UP_SECONDS * 1_000);
  const alone: number[] = [];
  const watched: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // In turn the first of a pair: whatever drifts must not count for one of them.
    const order = pair % 2 === 0 ? [false, true] : [true, false];
    for (const isWatched of order) {
      (isWatched ? watched : alone).push(await percentOfCore(gateway, isWatched));
    }
  }
  checkServed(gateway.way, await load);
  const differences = watched.map((percent, pair) => percent - (alone[pair] ?? percent));
  return [
    {
      name: 'Being watched, 1,000 requests/s: top at 2 Hz and /metrics at 1 Hz',
      measured:
        `${meanWithError(differences)} % of a core more ` +
        `(alone ${median(alone).toFixed(1)} %, watched ${median(watched).toFixed(1)} %)`,
      goal: '≤ 1 %',
    },
    {
      name: 'CPU of one look: live document, /metrics',
      measured: await costOfOneLook(gateway),
      goal: '',
    },
  ];
}

/** Over a second. */
async function percentOfCore(gateway: Gateway, isWatched: boolean): Promise<number> {
  const beforeNs = runtimeNs(gateway.pid);
  const startedMs = performance.now();
  const watch = isWatched ? startWatching(gateway) : undefined;
  await Bun.sleep(1_020);
  watch?.stop();
  return (runtimeNs(gateway.pid) - beforeNs) / ((performance.now() - startedMs) * 1e4);
}

/** CPU time of all threads of a process so far. */
function runtimeNs(pid: number): number {
  let sumNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sumNs += Number(
      readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0],
    );
  }
  return sumNs;
}

/** The mean of paired differences and twice its standard error. */
function meanWithError(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(squares / (values.length - 1) / values.length);
  return `${mean.toFixed(2)} ± ${(2 * error).toFixed(2)}`;
}

/** Begins at once, so that a second has two looks and one scrape. */
function startWatching(gateway: Gateway) {
  const look = async () => {
    const text = await gateway.admin(`/admin/v1/live?since=${seq}`);
    seq = Number(/"seq":(\d+)/.exec(text)?.[1] ?? 0);
  };
  void look();
  void gateway.admin('/metrics');
  const live = setTimeout(look, LIVE_EVERY_MS);
  return { stop: () => clearTimeout(live) };
}

/** Milliseconds of CPU for one of each on a gateway without requests, less what it does unasked. */
async function costOfOneLook(gateway: Gateway): Promise<string> {
  const idleNs = await cpuOfLooks(gateway, null);
  const [liveNs, metricsNs] = [
    await cpuOfLooks(gateway, '/admin/v1/live'),
    await cpuOfLooks(gateway, '/metrics'),
  ];
  const perLook = (ns: number) => `${((ns - idleNs) / LOOKS / 1e6).toFixed(1)} ms`;
  return `${perLook(liveNs)}, ${perLook(metricsNs)}`;
}

async function cpuOfLooks(gateway: Gateway, path: string | null): Promise<number> {
  const beforeNs = runtimeNs(gateway.pid);
  for (let look = 0; look < LOOKS; look += 1) {
    if (path !== null) await gateway.admin(path);
    // A page is kept for 200 ms; each of these is made anew.
    await Bun.sleep(210);
  }
  return runtimeNs(gateway.pid) - beforeNs;
}
