import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../root.ts';
import { measureDecision } from './decision.ts';
import { measureFailover } from './failover.ts';
import type { Figure, Measurement } from './figure.ts';
import { measureFirstToken } from './first-token.ts';
import { measureOpenStreams, measureStalledReaders } from './open-streams.ts';
import { measureReuse } from './reuse.ts';
import { Rig } from './rig.ts';
import { measureWatching } from './watching.ts';

const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  reuse: measureReuse,
  open: measureOpenStreams,
  stalled: measureStalledReaders,
  'first-token': measureFirstToken,
  decision: measureDecision,
  watching: measureWatching,
  failover: measureFailover,
};

const HELP = `usage: scripts/bench-streams [--only NAME,…] [--rounds N] [--seconds N] [--streams N] [--binary FILE]

Measures a pool of backends behind the compiled llmgate: connections reused, memory of open streams and of
callers that stop reading, first tokens at 500 streams, routing decisions, what being watched costs, and
failover. \`llmgate mock\` answers and \`llmgate bench\` asks; what is compared runs in turn.
  --only NAME,…   of ${Object.keys(MEASUREMENTS).join(', ')}
  --rounds N      of what is compared (3)
  --seconds N     of one run of a load (4)
  --streams N     open streams at most (10000); descriptors may allow fewer
  --binary FILE   measure this executable (dist/llmgate)
Needs wrk and nginx for some of them (Debian: apt-get install nginx-light wrk).
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    only: { type: 'string', default: Object.keys(MEASUREMENTS).join() },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    streams: { type: 'string', default: '10000' },
    binary: { type: 'string', default: join(ROOT, 'dist/llmgate') },
  },
});

if (values.help === true) process.stdout.write(HELP);
else await main(values.only.split(','));

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => MEASUREMENTS[name] === undefined);
  if (unknown !== undefined) throw new Error(`there is no measurement ${unknown}; see --help`);
  const settings = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    streams: Number(values.streams),
  };
  const rows: (Figure & { readonly load: string })[] = [];
  for (const name of names) {
    const rig = new Rig(resolve(values.binary));
    const loadBefore = loadavg()[0] ?? 0;
    try {
      const figures = (await MEASUREMENTS[name]?.(rig, settings)) ?? [];
      const load = `${loadBefore.toFixed(1)} → ${(loadavg()[0] ?? 0).toFixed(1)}`;
      rows.push(...figures.map((figure) => ({ ...figure, load })));
      for (const { name: what, measured } of figures) console.error(`${what}: ${measured}`);
    } catch (error) {
      console.error(`${name}: ${error}`);
      process.exitCode = 1;
    } finally {
      await rig.stop();
    }
  }
  console.log(`\n${cpus().length} × ${cpus()[0]?.model}, Bun ${Bun.version}\n`);
  console.log('| figure | measured | goal | load average |\n|---|---|---|---|');
  for (const { name, measured, goal, load } of rows) {
    console.log(`| ${name} | ${measured} | ${goal} | ${load} |`);
  }
}
