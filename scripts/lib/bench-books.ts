import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureEventLoop, measureIdleLag } from './bench-books-event-loop.ts';
import { generateBooks } from './bench-books-generate.ts';
import { openHotPath } from './bench-books-hot-path.ts';
import {
  measureCheck,
  measureGateway,
  measureReports,
  measureSizes,
  measureVerify,
  type Rate,
} from './bench-books-reports.ts';

const HELP = `Examples:
  scripts/bench-books                                a million rows, some two minutes
  scripts/bench-books --rows 10000000 --seconds 30   the event loop beside larger books
  scripts/bench-books --rows 100000000 --only size,reports,gateway --folder /big

Measures the books: CPU per request on the hot path, what stops the event loop at 2,000 requests a
second, and on generated rows their size, reports, verification and the start of a gateway.

  --rows N           finished requests to generate (1000000)
  --seconds N        of each part of the event loop's measurement (10)
  --only A,B         some of: hot-path, size, reports, verify, check, gateway, event-loop
  --folder PATH      where the books go; kept when it is given, and used again when they are there
  --max-seconds N    ends the generation early (3600)
`;

const { values: flags } = parseArgs({
  options: {
    help: { type: 'boolean' },
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '10' },
    only: { type: 'string' },
    folder: { type: 'string' },
    'max-seconds': { type: 'string', default: '3600' },
    // What the event loop's part starts beside itself.
    'idle-lag': { type: 'string' },
  },
});

if (flags.help) console.log(HELP);
else if (flags['idle-lag'] !== undefined) {
  console.log(JSON.stringify(await measureIdleLag(Number(flags['idle-lag']))));
} else await main();

async function main(): Promise<void> {
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Bun ${Bun.version}\n`);
  const folder = flags.folder ?? mkdtempSync(join(tmpdir(), 'llmgate-bench-books-'));
  const parts: Readonly<Record<string, (dataDir: string) => void | Promise<void>>> = {
    size: showSizes,
    reports: showReports,
    verify: showVerify,
    check: (dataDir) => console.log(`ledger check: ${show(measureCheck(dataDir))}`),
    gateway: showGateway,
    // Last, because it adds rows.
    'event-loop': showEventLoop,
  };
  const asked = flags.only?.split(',') ?? ['hot-path', ...Object.keys(parts)];
  try {
    if (asked.includes('hot-path')) await showHotPath(join(folder, 'hot-path'));
    const dataDir = join(folder, `rows-${flags.rows}`);
    const wanted = Object.entries(parts).filter(([name]) => asked.includes(name));
    if (wanted.length > 0) generate(dataDir);
    for (const [, measure] of wanted) await measure(dataDir);
  } finally {
    if (flags.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function showHotPath(dataDir: string): Promise<void> {
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const requests = 100_000;
  const hotPath = await openHotPath(dataDir);
  // Code that runs for days is measured warm.
  await hotPath.run(requests);
  const own: number[] = [];
  const all: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const books = await hotPath.run(requests);
    const empty = await hotPath.runEmpty(requests);
    own.push(books.threadUs - empty.threadUs);
    all.push(books.processUs - empty.processUs);
    if (round === 0) console.log(`${books.rowsPerCommit.toFixed(1)} rows per commit`);
  }
  await hotPath.close();
  rmSync(dataDir, { recursive: true, force: true });
  console.log(`books per request, 32 connections: ${spread(own)} µs of the serving thread`);
  console.log(`  worker, collector and compiler included: ${spread(all)} µs`);
}

function generate(dataDir: string): void {
  if (existsSync(dataDir)) return;
  mkdirSync(dataDir, { recursive: true });
  const { rows, seconds, sumSeconds } = generateBooks({
    dataDir,
    rows: Number(flags.rows),
    maxSeconds: Number(flags['max-seconds']),
  });
  const summed = `${Math.round(sumSeconds)} s of them for sums`;
  console.log(`generated ${rows.toLocaleString('en')} rows in ${Math.round(seconds)} s, ${summed}`);
}

function showSizes(dataDir: string): void {
  const { rows, sums, fileBytes, parts } = measureSizes(dataDir);
  console.log(`file: ${(fileBytes / rows).toFixed(1)} B per row, ${(sums / rows).toFixed(2)} sums`);
  for (const { name, bytes } of parts.slice(0, 6)) {
    console.log(`  ${name}: ${(bytes / rows).toFixed(1)} B per row`);
  }
}

function showReports(dataDir: string): void {
  for (const { report, rows, timesMs, cpuMs } of measureReports(dataDir)) {
    console.log(`${report}: ${spread(timesMs)} ms, CPU ${cpuMs.toFixed(1)} ms, ${rows} rows`);
  }
}

async function showVerify(dataDir: string): Promise<void> {
  for (const threads of [1, 2]) {
    const verified = await measureVerify(dataDir, threads);
    console.log(`audit verify, ${threads} threads: ${show(verified)}`);
  }
}

async function showGateway(dataDir: string): Promise<void> {
  const { startMs, residentBytes, commandsMs } = await measureGateway(dataDir);
  console.log(`start to /healthz: ${spread(startMs)} ms, ${Math.round(residentBytes / 1e6)} MB`);
  for (const [name, times] of Object.entries(commandsMs)) {
    console.log(`llmgate ${name}: ${spread(times)} ms`);
  }
}

async function showEventLoop(dataDir: string): Promise<void> {
  console.log(
    '2,000 requests/s; in milliseconds, p99.9 and the longest; own is without the wait for',
  );
  console.log('a processor, idle is a process beside it that does nothing');
  console.log('| beside | requests | commit | own commit | lag | own lag | idle lag |');
  console.log('|---|---|---|---|---|---|---|');
  const pair = (p999: number, max: number) => `${p999.toFixed(1)} / ${max.toFixed(1)}`;
  await measureEventLoop(dataDir, Number(flags.seconds), (figure) => {
    const cells = [
      figure.phase,
      figure.requests,
      pair(figure.flushP999, figure.flushMax),
      pair(figure.ownFlushP999, figure.ownFlushMax),
      pair(figure.lagP999, figure.lagMax),
      pair(figure.ownLagP999, figure.ownLagMax),
      pair(figure.idleLagP999, figure.idleLagMax),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  });
}

function show({ perSecond, perCpuSecond }: Rate): string {
  const rows = (rate: number) => `${Math.round(rate).toLocaleString('en')} rows`;
  return `${rows(perSecond)}/s, ${rows(perCpuSecond)} per second of CPU`;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0] = sorted;
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${median.toFixed(2)} (${low.toFixed(2)}–${(sorted.at(-1) ?? 0).toFixed(2)})`;
}
