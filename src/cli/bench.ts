import type { Command } from 'commander';
import type { BenchFlags } from './bench-flags.ts';
import { addBenchOptions } from './bench-options.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions } from './output.ts';

const EXAMPLE = `Examples:
  llmgate bench                                      200 requests, 16 at a time
  llmgate bench --request-rate 20 --duration 60s     open loop, Poisson arrivals
  llmgate bench --compare http://127.0.0.1:8000      what the gateway adds to it
  llmgate bench --sweep --goodput ttft:200 tpot:50   the highest rate it carries
  llmgate bench --assert 'ttft_p99<500ms' -o json    for a pipeline
`;

const MORE = `
Times count from when a request should have been sent, so waiting in the
generator shows. docs/bench.md defines every figure.
`;

export function addBenchCommand(program: Command, io: CliIo): void {
  const command = program
    .command('bench')
    .description('load test: TTFT, ITL, throughput, goodput; direct or through the gateway')
    .addHelpText('before', EXAMPLE)
    .addHelpText('after', MORE);
  addOutputOptions(addBenchOptions(command)).action(async (flags: BenchFlags) => {
    const { benchAndReport } = await import('./bench-run.ts');
    await benchAndReport(flags, io);
  });
}
