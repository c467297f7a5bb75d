import { expect, test } from 'vitest';
import { NO_USAGE } from '../../../../src/core/usage.ts';
import { Exposition } from '../../../../src/observe/metrics/exposition.ts';
import {
  createRequestMetrics,
  type RequestMetrics,
  type RequestMetricsOptions,
} from '../../../../src/observe/metrics/request-metrics.ts';
import { someAttempt, someFact } from '../../../support/some-fact.ts';

function open(options: Partial<RequestMetricsOptions> = {}): RequestMetrics {
  return createRequestMetrics({
    names: 'llmgate',
    labels: [],
    maxLabelValues: 100,
    providerOf: (backend) => (backend === 'cloud' ? 'openai' : 'vllm'),
    ...options,
  });
}

/** The samples whose name begins so. */
function samples(metrics: RequestMetrics, prefix: string): string[] {
  const out = new Exposition('text');
  metrics.write(out);
  return out
    .end()
    .split('\n')
    .filter((line) => line.startsWith(prefix));
}

test('requests by endpoint, model and outcome; errors by code', () => {
  const metrics = open();
  metrics.settled(someFact());
  metrics.settled(someFact());
  metrics.settled(someFact({ endpoint: 'embeddings', model: 'vectors' }));
  metrics.settled(someFact({ outcome: 'refused', code: 'rate_limit_exceeded', backend: null }));
  metrics.settled(someFact({ outcome: 'cut_by_backend', code: 'backend_stream_broken' }));
  metrics.settled(someFact({ model: '', outcome: 'refused', code: 'model_not_found' }));
  expect(samples(metrics, 'llmgate_requests_total')).toEqual([
    'llmgate_requests_total{endpoint="chat",model="small",outcome="served"} 2',
    'llmgate_requests_total{endpoint="chat",model="small",outcome="cut_by_backend"} 1',
    'llmgate_requests_total{endpoint="chat",model="small",outcome="refused"} 1',
    'llmgate_requests_total{endpoint="embeddings",model="vectors",outcome="served"} 1',
    'llmgate_requests_total{endpoint="chat",model="none",outcome="refused"} 1',
  ]);
  expect(samples(metrics, 'llmgate_errors_total')).toEqual([
    'llmgate_errors_total{code="rate_limit_exceeded"} 1',
    'llmgate_errors_total{code="backend_stream_broken"} 1',
    'llmgate_errors_total{code="model_not_found"} 1',
  ]);
  expect(metrics.totals()).toEqual({ requests: 6, faults: 1 });
});

test('tokens, their parts, cost to the nano-dollar, and what has no price', () => {
  const metrics = open();
  const usage = { ...NO_USAGE, inputTokens: 7, cachedInputTokens: 4, outputTokens: 5 };
  for (let at = 0; at < 1_000; at += 1) metrics.settled(someFact({ usage, costNanoUsd: 1 }));
  metrics.settled(someFact({ model: 'free', costNanoUsd: null, gpuUs: 2_500_000 }));
  metrics.settled(someFact({ model: 'free', costNanoUsd: null, outcome: 'refused' }));
  expect(samples(metrics, 'llmgate_tokens_total{direction="input",model="small"}')).toEqual([
    'llmgate_tokens_total{direction="input",model="small"} 7000',
  ]);
  expect(samples(metrics, 'llmgate_tokens_total{direction="output",model="small"}')).toEqual([
    'llmgate_tokens_total{direction="output",model="small"} 5000',
  ]);
  expect(samples(metrics, 'llmgate_token_parts_total')).toEqual([
    'llmgate_token_parts_total{model="small",part="cached_input"} 4000',
  ]);
  expect(samples(metrics, 'llmgate_cost_usd_total{model="small"}')).toEqual([
    'llmgate_cost_usd_total{model="small"} 0.000001',
  ]);
  expect(samples(metrics, 'llmgate_unpriced_requests_total{model="free"}')).toEqual([
    'llmgate_unpriced_requests_total{model="free"} 1',
  ]);
  expect(samples(metrics, 'llmgate_gpu_seconds_total{model="free"}')).toEqual([
    'llmgate_gpu_seconds_total{model="free"} 2.5',
  ]);
});

test('times in seconds, each only where there was one', () => {
  const metrics = open();
  metrics.settled(someFact({ durationMs: 1_500, ttftMs: 90, interTokenMs: 9, queueMs: 30 }));
  metrics.settled(someFact({ durationMs: 400, ttftMs: null, interTokenMs: null }));
  metrics.settled(
    someFact({ outcome: 'refused', backend: null, ttftMs: null, interTokenMs: null }),
  );
  metrics.settled(someFact({ streamed: false, interTokenMs: null }));
  metrics.settled(someFact({ model: 'big', overheadMs: -0.001 }));
  const of = (name: string) => samples(metrics, `llmgate_${name}`);
  expect(of('request_duration_seconds_sum')).toEqual([
    'llmgate_request_duration_seconds_sum{model="small",outcome="served"} 2.9',
    'llmgate_request_duration_seconds_sum{model="small",outcome="refused"} 1',
    'llmgate_request_duration_seconds_sum{model="big",outcome="served"} 1',
  ]);
  expect(of('time_to_first_token_seconds_count{model="small"}')).toEqual([
    'llmgate_time_to_first_token_seconds_count{model="small"} 1',
  ]);
  expect(of('time_to_first_token_seconds_bucket{model="small",le="0.0')).toEqual([
    'llmgate_time_to_first_token_seconds_bucket{model="small",le="0.005"} 0',
    'llmgate_time_to_first_token_seconds_bucket{model="small",le="0.01"} 0',
    'llmgate_time_to_first_token_seconds_bucket{model="small",le="0.02"} 0',
    'llmgate_time_to_first_token_seconds_bucket{model="small",le="0.04"} 0',
    'llmgate_time_to_first_token_seconds_bucket{model="small",le="0.06"} 0',
    'llmgate_time_to_first_token_seconds_bucket{model="small",le="0.08"} 0',
  ]);
  expect(of('inter_token_seconds_sum{model="small"}')).toEqual([
    'llmgate_inter_token_seconds_sum{model="small"} 0.009',
  ]);
  // The refused one never stood in line.
  expect(of('queue_wait_seconds_count{model="small"}')).toEqual([
    'llmgate_queue_wait_seconds_count{model="small"} 3',
  ]);
  expect(of('gateway_overhead_seconds_count')).toEqual([
    'llmgate_gateway_overhead_seconds_count 5',
  ]);
});

test('attempts by backend', () => {
  const metrics = open();
  metrics.attempted('gpu0', 'ok', someAttempt());
  metrics.attempted('gpu0', 'busy', someAttempt({ durationMs: 10 }));
  expect(samples(metrics, 'llmgate_backend_attempts_total')).toEqual([
    'llmgate_backend_attempts_total{backend="gpu0",outcome="ok"} 1',
    'llmgate_backend_attempts_total{backend="gpu0",outcome="failed"} 0',
    'llmgate_backend_attempts_total{backend="gpu0",outcome="busy"} 1',
  ]);
  expect(samples(metrics, 'llmgate_backend_attempt_duration_seconds_sum')).toEqual([
    'llmgate_backend_attempt_duration_seconds_sum{backend="gpu0"} 1',
  ]);
});

test('a backend that lists ten thousand models fills no more than a thousand series', () => {
  const metrics = open();
  for (let at = 0; at < 10_000; at += 1) metrics.settled(someFact({ model: `m${at}` }));
  const requests = samples(metrics, 'llmgate_requests_total');
  expect(requests).toHaveLength(1_001);
  expect(requests.at(-1)).toBe(
    'llmgate_requests_total{endpoint="chat",model="other",outcome="served"} 9000',
  );
  expect(samples(metrics, 'llmgate_metrics_label_overflow_total{label="model"}')).toEqual([
    'llmgate_metrics_label_overflow_total{label="model"} 9000',
  ]);
});

test('labels that the operator asked for stand on requests, tokens and cost, each bounded', () => {
  const metrics = open({ labels: ['key', 'team'], maxLabelValues: 2 });
  for (const keyId of ['a', 'b', 'c', 'd', 'c']) metrics.settled(someFact({ keyId, team: 'red' }));
  expect(samples(metrics, 'llmgate_requests_total')).toEqual(
    [
      ['a', 1],
      ['b', 1],
      ['other', 3],
    ].map(
      ([key, count]) =>
        `llmgate_requests_total{endpoint="chat",model="small",outcome="served",key="${key}",team="red"} ${count}`,
    ),
  );
  expect(samples(metrics, 'llmgate_cost_usd_total')).toContain(
    'llmgate_cost_usd_total{model="small",key="a",team="red"} 0.0000015',
  );
  expect(metrics.models()).toMatchObject([{ model: 'small', requests: 5, inputTokens: 500 }]);
});

test('values multiply, so their combinations are bounded too', () => {
  const metrics = open({ labels: ['key', 'user'], maxLabelValues: 200 });
  for (let at = 0; at < 10_010; at += 1) {
    metrics.settled(someFact({ keyId: `k${at % 110}`, user: `u${Math.floor(at / 110)}` }));
  }
  expect(samples(metrics, 'llmgate_requests_total')).toHaveLength(10_001);
  expect(samples(metrics, 'llmgate_metrics_label_overflow_total{label="combination"}')).toEqual([
    'llmgate_metrics_label_overflow_total{label="combination"} 10',
  ]);
});

test('for top: counters and histograms by model without text', () => {
  const metrics = open();
  metrics.settled(someFact());
  metrics.settled(someFact({ outcome: 'cut_by_caller', code: 'caller_gone', ttftMs: 260 }));
  const [small] = metrics.models();
  expect(small).toMatchObject({
    ...{ model: 'small', requests: 2, errors: 1, inputTokens: 200, outputTokens: 40 },
    costNanoUsd: 3_000,
    ttft: { count: 2, sum: 0.35 },
    interToken: { count: 2 },
  });
  expect(small?.ttft.counts.length).toBe((small?.ttft.bounds.length ?? 0) + 1);
  // A caller who leaves is nobody's fault here.
  expect(metrics.totals().faults).toBe(0);
});

test('OpenTelemetry names beside ours when they are asked for', () => {
  expect(samples(open(), 'gen_ai')).toEqual([]);
  const metrics = open({ names: 'genai' });
  metrics.settled(someFact({ backend: 'cloud' }));
  metrics.settled(someFact({ outcome: 'refused', code: 'rate_limit_exceeded', backend: null }));
  metrics.attempted('gpu0', 'failed', someAttempt({ ttftMs: null }));
  const chat = 'gen_ai_operation_name="chat"';
  const model = 'gen_ai_request_model="small"';
  const counts = samples(metrics, 'gen_ai').filter((line) => line.includes('_count{'));
  expect(counts).toEqual([
    `gen_ai_client_token_usage_count{${chat},gen_ai_provider_name="openai",${model},gen_ai_token_type="input"} 1`,
    `gen_ai_client_token_usage_count{${chat},gen_ai_provider_name="openai",${model},gen_ai_token_type="output"} 1`,
    `gen_ai_client_operation_duration_seconds_count{${chat},gen_ai_provider_name="vllm",${model},error_type="failed"} 1`,
    `gen_ai_server_request_duration_seconds_count{${chat},gen_ai_provider_name="openai",${model}} 1`,
    `gen_ai_server_request_duration_seconds_count{${chat},gen_ai_provider_name="none",${model},error_type="rate_limit_exceeded"} 1`,
    `gen_ai_server_time_to_first_token_seconds_count{${chat},gen_ai_provider_name="openai",${model}} 1`,
    `gen_ai_server_time_per_output_token_seconds_count{${chat},gen_ai_provider_name="openai",${model}} 1`,
  ]);
});
