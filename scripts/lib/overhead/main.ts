import { cpus } from 'node:os';
import { median, spread } from '../spread.ts';
import { holdStreams, runSequential, runStreams, runWrk } from './load.ts';
import {
  type Bench,
  cpuMicroseconds,
  measureColdStart,
  residentBytes,
  startBench,
  startGateway,
  type Way,
} from './processes.ts';

const HELP = `Examples:
  scripts/bench-overhead                 every figure, five rounds each (about three minutes)
  scripts/bench-overhead --rounds 3      faster, coarser

Measures what llmgate adds to a request. The same work goes through nginx and through llmgate in
turn, in one run, against \`llmgate mock\`; CPU time is that of the forwarding processes, divided by
the requests or chunks they forwarded. Needs nginx and wrk (Debian: apt-get install nginx-light wrk).
`;

interface Figure {
  readonly name: string;
  readonly measured: string;
  readonly goal: string;
}

const args = process.argv.slice(2);
if (args.includes('--help')) {
  console.log(HELP);
} else {
  const asked = args.indexOf('--rounds');
  await main(asked === -1 ? 5 : Number(args[asked + 1]));
}

async function main(rounds: number): Promise<void> {
  for (const program of ['nginx', 'wrk']) {
    if (Bun.which(program, { PATH: `${process.env['PATH']}:/usr/sbin` }) === null) {
      console.error(`${program} is missing. On Debian: apt-get install nginx-light wrk`);
      process.exit(1);
    }
  }
  const bench = await startBench();
  const figures: Figure[] = [];
  const note = (name: string, measured: string, goal: string) => {
    figures.push({ name, measured, goal });
    console.error(`${name}: ${measured}`);
  };
  try {
    await measureRequests(bench, rounds, note);
    await measureChunks(bench, rounds, note);
    await measureRhythm(bench, rounds, note);
    await measureLatency(bench, rounds, note);
    await measureLargePrompt(bench, rounds, note);
    await measureOpenStreams(bench, note);
    await measureStart(bench, rounds, note);
  } finally {
    await bench.stop();
  }
  console.log(`\n${cpus().length} × ${cpus()[0]?.model}, Bun ${Bun.version}, ${rounds} rounds\n`);
  console.log('| figure | measured | goal |\n|---|---|---|');
  for (const { name, measured, goal } of figures)
    console.log(`| ${name} | ${measured} | ${goal} |`);
}

type Note = (name: string, measured: string, goal: string) => void;

async function measureRequests(bench: Bench, rounds: number, note: Note): Promise<void> {
  const perRequest = async (way: Way) => {
    const beforeUs = cpuMicroseconds(way.pids);
    const requests = await runWrk(way, bench.folder, 3);
    return (cpuMicroseconds(way.pids) - beforeUs) / requests;
  };
  // Both are warm before anything counts.
  await perRequest(bench.nginx);
  await perRequest(bench.gateway);
  const { nginx, gateway, ratios } = await interleave(bench, rounds, perRequest);
  note(
    'CPU per request, 32 connections',
    `${spread(ratios)}× nginx (llmgate ${median(gateway).toFixed(1)} µs, nginx ${median(nginx).toFixed(1)} µs)`,
    '≤ 2.0×',
  );
}

async function measureChunks(bench: Bench, rounds: number, note: Note): Promise<void> {
  const options = { stream: true, maxTokens: 200, mock: { ttft_ms: 0, tps: 100, tokens: 200 } };
  const perChunk = async (way: Way) => {
    const beforeUs = cpuMicroseconds(way.pids);
    const { frames, complete } = await runStreams(way, 100, options);
    if (complete !== 100) throw new Error(`${way.name}: ${complete} of 100 streams complete`);
    return (cpuMicroseconds(way.pids) - beforeUs) / frames;
  };
  // As many as the request path has seen by then: code that runs for days is measured warm.
  for (let round = 0; round < 3; round += 1) await perChunk(bench.gateway);
  const { nginx, gateway, ratios } = await interleave(bench, rounds, perChunk);
  note(
    'CPU per streamed chunk, 100 streams',
    `${spread(ratios)}× nginx (llmgate ${median(gateway).toFixed(1)} µs, nginx ${median(nginx).toFixed(1)} µs)`,
    '≤ 1.25×',
  );
}

async function measureRhythm(bench: Bench, rounds: number, note: Note): Promise<void> {
  const options = { stream: true, maxTokens: 100, mock: { ttft_ms: 0, tps: 50, tokens: 100 } };
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const direct = await runStreams(bench.direct, 16, options);
    const gateway = await runStreams(bench.gateway, 16, options);
    ratios.push(median(gateway.gapsMs) / median(direct.gapsMs));
  }
  note('Inter-token latency, ratio to direct', spread(ratios), '0.95–1.05');
}

async function measureLatency(bench: Bench, rounds: number, note: Note): Promise<void> {
  const options = { stream: false, mock: { tokens: 8 } };
  const added: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const direct = await runSequential(bench.direct, 2_000, options);
    const gateway = await runSequential(bench.gateway, 2_000, options);
    added.push(median(gateway) - median(direct));
  }
  note('Added latency, p50, one connection', `${spread(added)} ms`, '≤ 0.3 ms');
}

async function measureLargePrompt(bench: Bench, rounds: number, note: Note): Promise<void> {
  const options = { stream: false, promptBytes: 400_000, mock: { tokens: 8 } };
  const added: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const direct = await runSequential(bench.direct, 100, options);
    const gateway = await runSequential(bench.gateway, 100, options);
    added.push(median(gateway) - median(direct));
  }
  note('Added latency, p50, 400 KB prompt', `${spread(added)} ms`, '≤ 3 ms');
}

async function measureOpenStreams(bench: Bench, note: Note): Promise<void> {
  const count = 2_000;
  const options = { stream: true, maxTokens: 400, mock: { ttft_ms: 0, tps: 1, tokens: 400 } };
  // A gateway of its own: one that has served a load already has the memory.
  const fresh = await startGateway(bench, 'open-streams');
  const [pid = 0] = fresh.way.pids;
  const before = residentBytes(pid);
  const close = await holdStreams(fresh.way, count, options);
  await Bun.sleep(2_000);
  const perStream = (residentBytes(pid) - before) / count / 1_000;
  close();
  await fresh.stop();
  note('RSS per open stream, 2,000 streams', `${perStream.toFixed(1)} KB`, '≤ 100 KB');
}

async function measureStart(bench: Bench, rounds: number, note: Note): Promise<void> {
  const starts: number[] = [];
  const idle: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { startMs, idleBytes } = await measureColdStart(bench, round);
    starts.push(startMs);
    idle.push(idleBytes / 1_000_000);
  }
  note('Cold start', `${spread(starts, 0)} ms`, '≤ 150 ms');
  note('Idle RSS', `${spread(idle, 0)} MB`, '≤ 90 MB');
}

/** The same work through both, in turn, so that a slow minute of the machine hits both. */
async function interleave(bench: Bench, rounds: number, work: (way: Way) => Promise<number>) {
  const nginx: number[] = [];
  const gateway: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    nginx.push(await work(bench.nginx));
    gateway.push(await work(bench.gateway));
  }
  return { nginx, gateway, ratios: gateway.map((us, round) => us / (nginx[round] ?? us)) };
}
