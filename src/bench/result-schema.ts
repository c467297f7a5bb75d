import * as z from 'zod';

// The shape of `llmgate bench -o json`, for docs/bench.schema.json and the tests that hold real
// results against it. Nothing that measures loads this.

const count = z.int().min(0);
const figure = z.number().nullable();
const rate = z.union([z.number(), z.literal('inf')]);
const curve = z.array(z.tuple([z.number(), z.number()])).describe('pairs of a percentile and ms');

const Generator = z.object({
  cpu_share: z.number().describe('of one core; it has only one'),
  cpu_seconds: z.number(),
  cpu_us_per_request: figure,
  rss_bytes: count,
  p99_loop_lag_ms: figure.describe('how much later than asked a timer ran'),
  p99_send_lag_ms: figure.describe('how much later than due a request left'),
  max_send_lag_ms: figure,
  is_bottleneck: z.boolean().describe('the times may be those of the generator'),
  reasons: z.array(z.string()),
});

const Run = z
  .object({
    name: z.string(),
    url: z.string(),
    request_rate: rate,
    burstiness: rate,
    max_concurrency: count.nullable(),
    stop_reason: z.enum(['count', 'duration', 'interrupted', 'over_saturated']),
    errors: z.array(z.object({ class: z.string(), count, example: z.string() })),
    connections: z.object({ opened: count, reused: count }),
    generator: Generator,
    duration: z.number().describe('seconds until the last request ended'),
    sent: count,
    completed: count,
    failed: count,
    cancelled: count.describe('left on purpose'),
    incomplete: count.describe('left because the run was over'),
    unsent: count.describe('due, and never sent because the run was over'),
    error_ratio: z.number(),
    total_input_tokens: count,
    total_output_tokens: count,
    request_throughput: z.number(),
    request_goodput: figure,
    goodput_ratio: figure,
    output_throughput: z.number(),
    total_token_throughput: z.number(),
    max_output_tokens_per_s: z.number(),
    max_concurrent_requests: count,
    tokens_per_chunk: figure,
    answers_with_usage: count,
    answers_without_usage: count,
    answers_with_impossible_usage: count,
    curves: z.object({ ttft_ms: curve, itl_ms: curve, e2el_ms: curve }),
    series: z
      .object({
        width_s: count,
        sent: z.array(count),
        completed: z.array(count),
        failed: z.array(count),
        chunks: z.array(count),
        in_flight_max: z.array(count),
        mean_ttft_ms: z.array(figure),
        mean_e2el_ms: z.array(figure),
      })
      .describe('one number for each width_s seconds'),
  })
  .catchall(figure)
  .describe('mean_, median_, std_, min_, max_ and p99_ of each time stand here: p99_ttft_ms');

const Comparison = z.object({
  direct_url: z.string(),
  gateway_url: z.string(),
  rounds: count,
  pairs: count,
  differences: z.array(
    z.object({
      figure: z.string(),
      estimate_ms: z.number(),
      low_ms: z.number(),
      high_ms: z.number(),
      is_significant: z.boolean(),
    }),
  ),
  median_itl_ratio: figure,
});

const Sweep = z.object({
  knee_request_rate: figure,
  steps: z.array(
    z.object({
      request_rate: z.number(),
      is_carried: z.boolean(),
      kept_up_ratio: z.number(),
      stop_reason: z.string(),
    }),
  ),
  skipped_request_rates: z.array(z.number()),
});

export const BenchResultSchema = z.object({
  schema_version: z.literal(1),
  date: z.iso.datetime(),
  tool: z.object({ version: z.string(), commit: z.string().nullable(), bun: z.string() }),
  environment: z.object({ cpu_model: z.string(), cores: count, kernel: z.string() }),
  metadata: z.record(z.string(), z.string()),
  model_id: z.string(),
  settings: z.record(z.string(), z.unknown()),
  was_interrupted: z.boolean(),
  runs: z.array(Run),
  comparison: Comparison.nullable(),
  sweep: Sweep.nullable(),
  assertions: z.array(
    z.object({
      assertion: z.string(),
      figure: z.string(),
      actual: figure,
      is_kept: z.boolean(),
      reason: z.string().nullable(),
    }),
  ),
  passed: z.boolean(),
});

/** `docs/bench.schema.json`. */
export function renderBenchSchema(): string {
  const schema = z.toJSONSchema(BenchResultSchema);
  return `${JSON.stringify({ ...schema, title: 'Result of llmgate bench' }, null, 2)}\n`;
}
