import { readFileSync } from 'node:fs';
import { cpuMicroseconds } from '../overhead/processes.ts';
import { spread } from '../spread.ts';
import { startCallers } from './callers.ts';
import type { Figure, Settings } from './figure.ts';
import { type Gateway, type Mock, onePool, type Rig } from './rig.ts';

const OPENED_A_SECOND = 500;
const HELD_SECONDS = 6;
const STALLED = 200;
const RESUMED = 10;
/** 16 MB in frames of one token. */
const LONG_ANSWER_TOKENS = 80_000;

/** 2,000 open streams, then as many as descriptors allow: memory of each, and how they end. */
export async function measureOpenStreams(rig: Rig, settings: Settings): Promise<Figure[]> {
  const most = Math.min(settings.streams, streamsAllowed());
  const figures: Figure[] = [];
  for (const count of new Set([Math.min(2_000, most), most])) {
    figures.push(...(await holdStreams(rig, count)));
  }
  return figures;
}

/** The gateway has two descriptors for each stream, and keeps a twentieth of all for itself. */
function streamsAllowed(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const allowed = Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? 1_024);
  return Math.floor((allowed * 0.95 - 100) / 2);
}

async function holdStreams(rig: Rig, count: number): Promise<Figure[]> {
  const mock = await rig.startMock();
  const gateway = await rig.startGateway(`open-${count}`, onePool(mock));
  const callers = startCallers();
  const tokens = Math.ceil(count / OPENED_A_SECOND) + HELD_SECONDS + 4;
  try {
    const idleBytes = gateway.residentBytes;
    const peak = watchPeak(gateway);
    const opened = await callers.run({
      ...{ kind: 'open', port: gateway.way.port, key: gateway.way.key, stalls: false },
      ...{ count, perSecond: OPENED_A_SECOND, maxTokens: tokens },
      mock: { ttft_ms: 0, tps: 1, tokens },
    });
    const { in_flight: atOnce } = await mock.counts();
    await Bun.sleep((HELD_SECONDS - 2) * 1_000);
    const perStream = (peak.stop() - idleBytes) / count / 1_000;
    const ended = await callers.run({ kind: 'await_end' });
    const left = (await gateway.metrics()).sum('llmgate_in_flight_requests');
    const endedWell =
      `${ended.complete} of ${count} ended well, ${ended.broken} broke, ${atOnce} were open at once, ` +
      `${left} left over${ended.example === '' ? '' : `; ${ended.example}`}`;
    const title = `${count.toLocaleString('en')} open streams`;
    if (opened.begun < count) throw new Error(`${opened.begun} of ${count}: ${opened.example}`);
    return [
      { name: `${title}, RSS each`, measured: `${perStream.toFixed(1)} KB`, goal: '≤ 60 KB' },
      { name: `${title}, how they end`, measured: endedWell, goal: 'all well' },
    ];
  } finally {
    callers.stop();
    await gateway.stop();
    await mock.stop();
  }
}

/**
 * Callers that stop reading after the first content of 16 MB, which is more than the kernel takes. The
 * gateway has relayed as much before, to callers that read: what is counted is what stalling costs, not what
 * any traffic of that size does to a heap.
 */
export async function measureStalledReaders(rig: Rig, settings: Settings): Promise<Figure[]> {
  const perReader: number[] = [];
  const queued: number[] = [];
  let ends = '';
  for (let round = 0; round < Math.min(settings.rounds, 2); round += 1) {
    const mock = await rig.startMock();
    const gateway = await rig.startGateway(`stalled-${round}`, onePool(mock));
    const callers = startCallers();
    const job = {
      kind: 'open',
      port: gateway.way.port,
      key: gateway.way.key,
      perSecond: OPENED_A_SECOND,
      maxTokens: LONG_ANSWER_TOKENS,
      mock: { ttft_ms: 0, tokens: LONG_ANSWER_TOKENS },
    } as const;
    try {
      await callers.run({ ...job, count: RESUMED, stalls: false });
      await callers.run({ kind: 'await_end' });
      await untilQuiet(gateway);
      const beforeBytes = gateway.residentBytes;
      await callers.run({ ...job, count: STALLED, stalls: true });
      await untilQuiet(gateway);
      perReader.push((gateway.residentBytes - beforeBytes) / STALLED / 1_000);
      const waiting = (await mock.counts()).in_flight;
      queued.push(bufferedBytes(mock, gateway) / STALLED / 1_000);
      const resumed = await callers.run({ kind: 'resume', count: RESUMED });
      const left = await untilIdle(mock);
      ends =
        `${waiting} of ${STALLED} backends made to wait; ${resumed.complete} of ${RESUMED} read on ` +
        `to the end, the others hung up; ${left} requests left at the backend`;
    } finally {
      callers.stop();
      await gateway.stop();
      await mock.stop();
    }
  }
  const title = `${STALLED} stalled readers`;
  return [
    { name: `${title}, RSS each`, measured: `${spread(perReader, 0)} KB`, goal: '≤ 256 KB' },
    { name: 'the same, in kernel buffers, each', measured: `${spread(queued, 0)} KB`, goal: '' },
    { name: 'the same, how they end', measured: ends, goal: 'backend waits' },
  ];
}

/** Until the gateway has used less than a tenth of a core for two seconds, or for half a minute. */
async function untilQuiet(gateway: Gateway): Promise<void> {
  let quiet = 0;
  for (let look = 0; look < 60 && quiet < 4; look += 1) {
    const beforeUs = cpuMicroseconds([gateway.pid]);
    await Bun.sleep(500);
    quiet = cpuMicroseconds([gateway.pid]) - beforeUs < 50_000 ? quiet + 1 : 0;
  }
}

/** The most that the gateway has held since; looked at five times a second. */
function watchPeak(gateway: Gateway) {
  let mostBytes = 0;
  const look = () => {
    mostBytes = Math.max(mostBytes, gateway.residentBytes);
  };
  const timer = setInterval(look, 200);
  return {
    stop() {
      clearInterval(timer);
      look();
      return mostBytes;
    },
  };
}

/** What lies unread and unsent in the sockets of gateway and backend: the kernel's, not theirs. */
function bufferedBytes(mock: Mock, gateway: Gateway): number {
  const ports = new Set([mock.port, gateway.way.port].map((port) => toHex(port)));
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
  let bytes = 0;
  for (const line of lines) {
    const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/);
    if (!ports.has(local.slice(-4)) && !ports.has(remote.slice(-4))) continue;
    const [unsent = '0', unread = '0'] = queues.split(':');
    bytes += Number.parseInt(unsent, 16) + Number.parseInt(unread, 16);
  }
  return bytes;
}

function toHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** Waits for the backend to be rid of all requests, for ten seconds at most; how many are left. */
async function untilIdle(mock: Mock): Promise<number> {
  for (let look = 0; look < 100; look += 1) {
    const { in_flight: left } = await mock.counts();
    if (left === 0) return 0;
    await Bun.sleep(100);
  }
  return (await mock.counts()).in_flight;
}
