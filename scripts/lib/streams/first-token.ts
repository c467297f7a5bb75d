import type { Way } from '../overhead/processes.ts';
import { median, spread } from '../spread.ts';
import { checkServed, runLoad } from './bench-load.ts';
import type { Figure, Settings } from './figure.ts';
import { onePool, quantileBetween, type Rig, runDelayMs } from './rig.ts';

const CONCURRENT = 500;
const BEHAVIOUR = { ttft_ms: 50, tps: 20, tokens: 40 };
/** Short enough for a rate above 200 a second, up to which the generator waits in a busy loop. */
const STREAM_SECONDS = 2;
const OVERHEAD = 'llmgate_gateway_overhead_seconds';

/** First tokens and their rhythm at 500 streams, direct and through the gateway in turn. */
export async function measureFirstToken(rig: Rig, settings: Settings): Promise<Figure[]> {
  const mock = await rig.startMock();
  const nginx = await rig.startNginx(mock);
  const gateway = await rig.startGateway('first-token', onePool(mock));
  const seconds = Math.max(settings.seconds, 2 * STREAM_SECONDS);
  // As many arrive a second as end, so that 500 are open once the first have had their time.
  const rate = CONCURRENT / STREAM_SECONDS;
  const load = async (way: Way) => {
    const flags = ['--request-rate', rate.toFixed(1), '--duration', `${seconds}s`];
    const run = await runLoad(rig.binary, way, BEHAVIOUR, [
      ...[...flags, '--input-len', '64', '--output-len', `${BEHAVIOUR.tokens}`],
      ...['--seed', `${settings.rounds}`],
    ]);
    checkServed(way, run);
    return run;
  };
  // Code that runs for days is measured warm.
  await load(gateway.way);
  const added = { p50: [] as number[], p99: [] as number[] };
  const nginxAdded = { p50: [] as number[], p99: [] as number[] };
  const rhythm = { p50: [] as number[], nginx: [] as number[] };
  const own = { p50: [] as number[], p99: [] as number[] };
  const waits: number[] = [];
  const directP99: number[] = [];
  for (let round = 0; round < settings.rounds; round += 1) {
    const direct = await load(mock.way);
    const through = await load(nginx);
    const before = (await gateway.metrics()).buckets(OVERHEAD);
    const beforeDelayMs = runDelayMs(gateway.pid);
    const run = await load(gateway.way);
    waits.push((runDelayMs(gateway.pid) - beforeDelayMs) / (seconds + STREAM_SECONDS));
    const after = (await gateway.metrics()).buckets(OVERHEAD);
    own.p50.push(quantileBetween(before, after, 0.5) * 1_000);
    own.p99.push(quantileBetween(before, after, 0.99) * 1_000);
    added.p50.push(run.p50_ttft_from_send_ms - direct.p50_ttft_from_send_ms);
    added.p99.push(difference(run.p99_ttft_from_send_ms, direct.p99_ttft_from_send_ms));
    nginxAdded.p50.push(through.p50_ttft_from_send_ms - direct.p50_ttft_from_send_ms);
    nginxAdded.p99.push(difference(through.p99_ttft_from_send_ms, direct.p99_ttft_from_send_ms));
    rhythm.p50.push(run.p50_itl_ms / direct.p50_itl_ms);
    rhythm.nginx.push(through.p50_itl_ms / direct.p50_itl_ms);
    directP99.push((direct.p99_ttft_from_send_ms ?? Number.NaN) - BEHAVIOUR.ttft_ms);
  }
  const title = 'First token at 500 streams, added';
  const quietest = directP99.indexOf(Math.min(...directP99));
  const at = (values: readonly number[]) => (values[quietest] ?? Number.NaN).toFixed(2);
  return [
    { name: `${title}, p50`, measured: `${spread(added.p50)} ms`, goal: '' },
    { name: `${title}, p99`, measured: `${spread(added.p99)} ms`, goal: '≤ 1 ms' },
    {
      name: 'the same in the round in which the backend was least late',
      measured:
        `p50 ${at(added.p50)}, p99 ${at(added.p99)} ms; nginx ${at(nginxAdded.p50)}, ` +
        `${at(nginxAdded.p99)} ms; the backend itself late by ${at(directP99)} ms at p99`,
      goal: '≤ 1 ms',
    },
    { name: 'the same by nginx, p50', measured: `${spread(nginxAdded.p50)} ms`, goal: '' },
    { name: 'the same by nginx, p99', measured: `${spread(nginxAdded.p99)} ms`, goal: '' },
    {
      name: 'how late the backend itself is, direct, p99',
      measured: `${spread(directP99)} ms`,
      goal: '',
    },
    { name: `${OVERHEAD}, p50`, measured: `${spread(own.p50)} ms`, goal: '' },
    { name: `${OVERHEAD}, p99`, measured: `${spread(own.p99)} ms`, goal: '' },
    {
      name: 'the gateway waited for a processor',
      measured: `${median(waits).toFixed(0)} ms a second`,
      goal: '',
    },
    {
      name: 'Inter-token latency at 500 streams, ratio to direct',
      measured: `${spread(rhythm.p50, 3)}, nginx ${spread(rhythm.nginx, 3)}`,
      goal: '0.95–1.05',
    },
  ];
}

function difference(one: number | null, other: number | null): number {
  return one === null || other === null ? Number.NaN : one - other;
}
