import { readFileSync } from 'node:fs';
import type { Way } from '../overhead/processes.ts';

/** What `llmgate bench -o json` says of a run, as far as it is needed; docs/bench.schema.json has all. */
export interface LoadRun {
  readonly sent: number;
  readonly completed: number;
  readonly failed: number;
  readonly incomplete: number;
  readonly request_throughput: number;
  readonly max_concurrent_requests: number;
  readonly errors: readonly { class: string; count: number; example: string }[];
  readonly generator: { readonly is_bottleneck: boolean; readonly reasons: readonly string[] };
  readonly p50_ttft_from_send_ms: number;
  readonly p99_ttft_from_send_ms: number | null;
  readonly p50_itl_ms: number;
  readonly p99_itl_ms: number | null;
}

/** The load generator that is a part of llmgate, as a process of its own. */
export async function runLoad(
  binary: string,
  way: Way,
  mock: Readonly<Record<string, unknown>>,
  flags: readonly string[],
): Promise<LoadRun> {
  const url = `http://127.0.0.1:${way.port}`;
  const behaviour = ['--header', `x-mock: ${JSON.stringify(mock)}`];
  const command = [binary, 'bench', '--url', url, '--model', way.model, ...behaviour];
  const child = Bun.spawn([...command, '-o', 'json', ...flags], {
    env: { ...process.env, LLMGATE_API_KEY: way.key },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [text, words] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  if (text === '') throw new Error(`${way.name}: ${words}`);
  const { runs } = JSON.parse(text) as { runs: LoadRun[] };
  const [run] = runs;
  if (run === undefined) throw new Error(`${way.name}: ${words}`);
  return run;
}

/** How many of the failed requests of a `--details` file had no content yet. */
export function countFailedBeforeContent(file: string): number {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const details = lines.map((line) => JSON.parse(line) as { outcome: string; ttft_ms: unknown });
  return details.filter(({ outcome, ttft_ms: firstMs }) => outcome === 'failed' && firstMs === null)
    .length;
}

/** Throws unless every request of a run was answered. */
export function checkServed(way: Way, run: LoadRun): void {
  if (run.failed === 0) return;
  const why = run.errors.map(({ class: name, count, example }) => `${count} ${name}: ${example}`);
  throw new Error(`${way.name}: ${run.failed} of ${run.sent} failed: ${why.join('; ')}`);
}
