import { cpuMicroseconds } from '../overhead/processes.ts';
import { median, spread } from '../spread.ts';
import { checkServed, runLoad } from './bench-load.ts';
import type { Figure, Settings } from './figure.ts';
import { type Gateway, onePool, type Rig } from './rig.ts';

const RATE = 1_000;
const LIVE_EVERY_MS = 500;
const SCRAPE_EVERY_MS = 1_000;
const LOOKS = 20;

/**
 * CPU of a gateway under 1,000 requests/s, alone and while the document of `llmgate top` is asked for
 * twice a second and /metrics once, in turn.
 */
export async function measureWatching(rig: Rig, settings: Settings): Promise<Figure[]> {
  const mock = await rig.startMock();
  const gateway = await rig.startGateway('watching', onePool(mock));
  const seconds = settings.seconds * 2;
  const flags = ['--no-stream', '--request-rate', `${RATE}`, '--burstiness', 'inf'];
  const more = ['--duration', `${seconds}s`, '--input-len', '32', '--output-len', '8'];
  const percentOfCore = async (watched: boolean) => {
    const watch = watched ? startWatching(gateway) : undefined;
    const beforeUs = cpuMicroseconds([gateway.pid]);
    const startedMs = performance.now();
    const run = await runLoad(rig.binary, gateway.way, { tokens: 8 }, [...flags, ...more]);
    const tookMs = performance.now() - startedMs;
    const percent = (cpuMicroseconds([gateway.pid]) - beforeUs) / (tookMs * 10);
    watch?.stop();
    checkServed(gateway.way, run);
    return percent;
  };
  await percentOfCore(true);
  const alone: number[] = [];
  const watched: number[] = [];
  for (let round = 0; round < settings.rounds; round += 1) {
    // Whatever drifts over time must not count for one of them.
    const order = round % 2 === 0 ? [false, true] : [true, false];
    for (const isWatched of order)
      (isWatched ? watched : alone).push(await percentOfCore(isWatched));
  }
  const differences = watched.map((percent, round) => percent - (alone[round] ?? percent));
  const each = await costOfOneLook(gateway);
  return [
    {
      name: 'Being watched, 1,000 requests/s: top at 2 Hz and /metrics at 1 Hz',
      measured:
        `${spread(differences)} % of a core more ` +
        `(alone ${median(alone).toFixed(1)} %, watched ${median(watched).toFixed(1)} %)`,
      goal: '≤ 1 %',
    },
    { name: 'CPU of one look: live document, /metrics', measured: each, goal: '' },
  ];
}

function startWatching(gateway: Gateway) {
  let seq = 0;
  const live = setInterval(async () => {
    const text = await gateway.admin(`/admin/v1/live?since=${seq}`);
    seq = Number(/"seq":(\d+)/.exec(text)?.[1] ?? 0);
  }, LIVE_EVERY_MS);
  const scrape = setInterval(() => void gateway.admin('/metrics'), SCRAPE_EVERY_MS);
  return {
    stop() {
      clearInterval(live);
      clearInterval(scrape);
    },
  };
}

/** Milliseconds of CPU for one of each on a gateway without requests, less what it does unasked. */
async function costOfOneLook(gateway: Gateway): Promise<string> {
  const idleUs = await cpuOfLooks(gateway, null);
  const [liveUs, metricsUs] = [
    await cpuOfLooks(gateway, '/admin/v1/live'),
    await cpuOfLooks(gateway, '/metrics'),
  ];
  const perLook = (us: number) => `${((us - idleUs) / LOOKS / 1_000).toFixed(1)} ms`;
  return `${perLook(liveUs)}, ${perLook(metricsUs)}`;
}

async function cpuOfLooks(gateway: Gateway, path: string | null): Promise<number> {
  const beforeUs = cpuMicroseconds([gateway.pid]);
  for (let look = 0; look < LOOKS; look += 1) {
    if (path !== null) await gateway.admin(path);
    // A page is kept for 200 ms; each of these is made anew.
    await Bun.sleep(210);
  }
  return cpuMicroseconds([gateway.pid]) - beforeUs;
}
