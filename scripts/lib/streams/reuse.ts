import type { Way } from '../overhead/processes.ts';
import { checkServed, runLoad } from './bench-load.ts';
import type { Figure, Settings } from './figure.ts';
import { onePool, type Rig } from './rig.ts';

const CONCURRENT = 200;

/**
 * How many requests went out on a connection that was there, at 200 at once, as the backend counted
 * it. The first run opens the connections and is told apart.
 */
export async function measureReuse(rig: Rig, settings: Settings): Promise<Figure[]> {
  const mock = await rig.startMock();
  const nginx = await rig.startNginx(mock);
  const gateway = await rig.startGateway('reuse', onePool(mock));
  const flags = ['--max-concurrency', `${CONCURRENT}`, '--duration', `${settings.seconds}s`];
  const reused = async (way: Way, stream: boolean) => {
    const before = await mock.counts();
    const behaviour = { ttft_ms: 20, tps: 0, tokens: 8 };
    const more = ['--input-len', '16', '--output-len', '8', ...(stream ? [] : ['--no-stream'])];
    checkServed(way, await runLoad(rig.binary, way, behaviour, [...flags, ...more]));
    const after = await mock.counts();
    // One connection is that of whoever asks for the counts, perhaps a new one each time.
    const opened = after.connections - before.connections;
    const requests = after.requests - before.requests;
    return { requests, opened, share: 1 - opened / requests };
  };
  const show = ({ share, opened, requests }: Awaited<ReturnType<typeof reused>>) =>
    `${(share * 100).toFixed(3)} % (${opened} opened for ${requests})`;
  await reused(nginx, false);
  const byNginx = await reused(nginx, false);
  // In one go: llmgate closes a connection that has been idle for four seconds.
  const cold = await reused(gateway.way, false);
  const whole = await reused(gateway.way, false);
  const streamed = await reused(gateway.way, true);
  const metrics = await gateway.metrics();
  const told = metrics.sum('llmgate_connections_reused_ratio') * 100;
  const goal = '≥ 99.9 %';
  return [
    { name: 'Connections reused, 200 at once, from the first', measured: show(cold), goal: '' },
    { name: 'the same, whole answers', measured: show(whole), goal },
    { name: 'the same, streams', measured: show(streamed), goal },
    { name: 'the same by nginx, whole answers', measured: show(byNginx), goal: '' },
    { name: 'llmgate_connections_reused_ratio of all', measured: `${told.toFixed(3)} %`, goal: '' },
  ];
}
