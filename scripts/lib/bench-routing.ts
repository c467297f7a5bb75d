import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createSeededRandom } from '../../test/support/seeded-random.ts';
import type { ReplayReport } from '../../test/support/simulation/scheduler-replay.ts';
import { replay } from '../../test/support/simulation/scheduler-replay.ts';
import {
  endlessHitRate,
  makeTrace,
  parseTrace,
  TRACE_BLOCK_TOKENS,
  type TraceRequest,
} from '../../test/support/simulation/scheduler-trace.ts';
import { measureDecisions } from './routing/decisions.ts';

const HELP = `usage: scripts/bench-routing [--replicas N] [--cache TOKENS,…] [--prefill N]
       [--sticky-tokens N] [--seed N] [--no-decisions] [TRACE.jsonl]

Measures what a routing decision costs on this machine, then replays conversations over simulated
replicas: sticky beside round_robin and least_busy. The trace has Mooncake's format, one
{"timestamp","input_length","output_length","hash_ids"} a line with blocks of 512 tokens; without one
a similar trace is made from a seed.
  --replicas N       simulated replicas (8)
  --cache TOKENS,…   tokens that each keeps in its KV cache (1048576,2097152,4194304)
  --prefill N        prompt tokens that each reads in a second (8000)
  --sticky-tokens N  as in the configuration (262144)
  --seed N           of the trace that is made (1)
  --no-decisions     only the replay
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    replicas: { type: 'string', default: '8' },
    cache: { type: 'string', default: '1048576,2097152,4194304' },
    prefill: { type: 'string', default: '8000' },
    'sticky-tokens': { type: 'string', default: '262144' },
    seed: { type: 'string', default: '1' },
    'no-decisions': { type: 'boolean', default: false },
  },
});
const out = (text: string) => void process.stdout.write(`${text}\n`);

if (values.help === true) {
  process.stdout.write(HELP);
} else {
  if (!values['no-decisions']) showDecisions();
  showReplays(loadOrMake(positionals[0]));
}

function loadOrMake(path: string | undefined): readonly TraceRequest[] {
  if (path !== undefined) return parseTrace(readFileSync(path, 'utf8'));
  return makeTrace(createSeededRandom(Number(values.seed)), 12_000);
}

function showDecisions(): void {
  out('A decision, ask and end, in microseconds:');
  for (const { what, us } of measureDecisions()) out(`  ${us.toFixed(2).padStart(5)}  ${what}`);
  out('');
}

function showReplays(trace: readonly TraceRequest[]): void {
  const tokens = trace.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  const spanS = Math.round((trace.at(-1)?.timestampMs ?? 0) / 1_000);
  out(
    `${trace.length} requests in ${spanS} s, ${Math.round(tokens / trace.length)} tokens of input; ` +
      `an endless cache would hit ${percent(endlessHitRate(trace))}`,
  );
  for (const cacheTokens of values.cache.split(',').map(Number)) {
    const cacheBlocks = Math.round(cacheTokens / TRACE_BLOCK_TOKENS);
    const together = sharedHitRate(trace, cacheBlocks * Number(values.replicas));
    out('');
    out(
      `${values.replicas} replicas with ${cacheTokens} tokens of cache each ` +
        `(one cache of all of it would hit ${percent(together)})`,
    );
    out('  balance       hits  of endless  max/mean tokens  requests  TTFT p50      p99');
    for (const balance of ['sticky', 'least_busy', 'round_robin'] as const) {
      const report = replay(trace, {
        balance,
        replicas: Number(values.replicas),
        stickyTokens: Number(values['sticky-tokens']),
        shape: {
          prefillTokensPerS: Number(values.prefill),
          decodeBaseMs: 12,
          decodePerRequestMs: 0.3,
          cacheBlocks,
          blockTokens: TRACE_BLOCK_TOKENS,
        },
      });
      out(`  ${balance.padEnd(12)}${renderReport(report)}`);
    }
  }
}

function renderReport(report: ReplayReport): string {
  return [
    percent(report.hitRate).padStart(6),
    percent(report.ofEndless).padStart(10),
    report.maxToMean.toFixed(2).padStart(15),
    report.maxToMeanRequests.toFixed(2).padStart(8),
    `${(report.ttftP50Ms / 1_000).toFixed(2)} s`.padStart(8),
    `${(report.ttftP99Ms / 1_000).toFixed(2)} s`.padStart(7),
  ].join('  ');
}

/** What one cache would hit that is as large as those of all replicas: no routing can do better. */
function sharedHitRate(trace: readonly TraceRequest[], capacity: number): number {
  const cache = new Set<number>();
  let hits = 0;
  let blocks = 0;
  for (const request of trace) {
    let matched = 0;
    while (cache.has(request.blocks[matched] ?? -1)) matched += 1;
    hits += matched;
    blocks += request.blocks.length;
    for (const block of request.blocks.toReversed()) {
      cache.delete(block);
      cache.add(block);
    }
    for (const oldest of cache) {
      if (cache.size <= capacity) break;
      cache.delete(oldest);
    }
  }
  return hits / blocks;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
