import { describe, expect, test } from 'vitest';
import { readEngineLoad } from '../../../../src/backends/engine-load/engine-load.ts';
import { startTestMock } from '../../../support/start-mock.ts';

function read(...lines: readonly string[]) {
  return readEngineLoad(Buffer.from(lines.join('\n')));
}

function load(running: number, waiting: number, kvUsed: number | null) {
  return { running, waiting, kvUsed };
}

const VLLM = [
  '# HELP vllm:num_requests_running Number of requests in model execution batches.',
  '# TYPE vllm:num_requests_running gauge',
  'vllm:num_requests_running{engine="0",model_name="meta/llama-3.3-70b"} 12.0',
  '# TYPE vllm:num_requests_waiting gauge',
  'vllm:num_requests_waiting{engine="0",model_name="meta/llama-3.3-70b"} 3.0',
  'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99.0',
  '# TYPE vllm:kv_cache_usage_perc gauge',
  'vllm:kv_cache_usage_perc{engine="0",model_name="meta/llama-3.3-70b"} 0.4125',
  'vllm:e2e_request_latency_seconds_bucket{le="+Inf"} 7.0',
  '',
];

describe('the load of', () => {
  test.each([
    ['vLLM', VLLM, load(12, 3, 0.4125)],
    [
      'an older vLLM',
      [
        'vllm:num_requests_running{model_name="m"} 2.0',
        'vllm:num_requests_waiting{model_name="m"} 0.0',
        'vllm:gpu_cache_usage_perc{model_name="m"} 0.0625',
      ],
      load(2, 0, 0.0625),
    ],
    [
      'vLLM with two engines and two models',
      [
        'vllm:num_requests_running{engine="0",model_name="a"} 2',
        'vllm:num_requests_running{engine="1",model_name="a"} 3',
        'vllm:num_requests_waiting{engine="0",model_name="a"} 0',
        'vllm:num_requests_waiting{engine="1",model_name="b"} 4',
        'vllm:kv_cache_usage_perc{engine="0"} 0.25',
        'vllm:kv_cache_usage_perc{engine="1"} 0.75',
      ],
      load(5, 4, 0.75),
    ],
    [
      'SGLang',
      [
        '# TYPE sglang:num_running_reqs gauge',
        'sglang:num_running_reqs{model_name="qwen"} 7.0',
        'sglang:num_queue_reqs{model_name="qwen"} 1.0',
        'sglang:token_usage{model_name="qwen"} 0.31',
        'sglang:num_running_reqs_total 100',
      ],
      load(7, 1, 0.31),
    ],
    [
      'SGLang, repeated by rank and broken down by priority',
      [
        'sglang:num_running_reqs{pp_rank="0",priority="",tp_rank="0"} 4.0',
        'sglang:num_running_reqs{pp_rank="0",priority="1",tp_rank="0"} 4.0',
        'sglang:num_running_reqs{pp_rank="0",priority="",tp_rank="1"} 4.0',
        'sglang:num_queue_reqs{pp_rank="1",priority="",tp_rank="0"} 9.0',
        'sglang:num_queue_reqs{pp_rank="0",priority="",tp_rank="0"} 2.0',
      ],
      load(4, 2, null),
    ],
    ['TGI', ['tgi_batch_current_size 5', 'tgi_queue_size 2'], load(5, 2, null)],
    ['TGI before its first batch', ['tgi_queue_size 0'], load(0, 0, null)],
    [
      'llama.cpp',
      [
        '# HELP llamacpp:requests_processing Number of requests processing.',
        'llamacpp:requests_processing 2',
        'llamacpp:requests_deferred 6',
        'llamacpp:n_busy_slots_per_decode 1.5',
      ],
      load(2, 6, null),
    ],
    [
      'an older llama.cpp',
      ['llamacpp:requests_processing 1', 'llamacpp:kv_cache_usage_ratio 0.5'],
      load(1, 0, 0.5),
    ],
    [
      'TensorRT-LLM',
      [
        'trtllm_num_requests_running{engine_type="trtllm",model_name="m"} 8.0',
        'trtllm_num_requests_waiting{engine_type="trtllm",model_name="m"} 1.0',
        'trtllm_kv_cache_utilization{engine_type="trtllm",model_name="m"} 0.62',
      ],
      load(8, 1, 0.62),
    ],
    [
      'TensorRT-LLM behind Triton',
      [
        'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 1',
        'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 4',
        'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512',
        'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="t",version="1"} 6239',
        'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="t"} 0.125',
      ],
      load(4, 1, 0.125),
    ],
    [
      'TensorRT-LLM in JSON, the newest iteration',
      [
        '[{"iter":1,"numActiveRequests":99},',
        '{"iter":2,"numActiveRequests":5,"numQueuedRequests":3,"gpuMemUsage":4000000000,',
        '"kvCacheStats":{"maxNumBlocks":1000,"freeNumBlocks":400,"usedNumBlocks":600}}]',
      ],
      load(5, 3, 0.6),
    ],
    [
      'TensorRT-LLM in JSON, without a maximum',
      ['{"numActiveRequests":1,"kvCacheStats":{"usedNumBlocks":25,"freeNumBlocks":75}}'],
      load(1, 0, 0.25),
    ],
    ['TensorRT-LLM without work', ['[]'], load(0, 0, null)],
    [
      'an engine that has lost its mind, up to what can be reckoned with',
      [...Array(3).fill('vllm:num_requests_running 1e308'), 'vllm:num_requests_waiting 1e300'],
      load(1_000_000, 1_000_000, null),
    ],
    [
      'an engine with values in every notation',
      [
        'vllm:num_requests_running{a="x\\"},{y",model_name="b\\\\"}\t1.2e1 1730000000000',
        'vllm:num_requests_waiting .5\r',
        'vllm:kv_cache_usage_perc 1.5',
      ],
      load(12, 0.5, 1),
    ],
  ])('%s', (_engine, lines, expected) => {
    expect(read(...lines)).toEqual(expected);
  });

  test('the mock', async () => {
    await using mock = await startTestMock();
    mock.set({ ttft_ms: 60_000 });
    const leave = new AbortController();
    const asked = mock.chat({}, undefined, { signal: leave.signal }).catch(() => undefined);
    await mock.untilRequests(1);
    const page = await (await fetch(`${mock.url}/metrics`)).arrayBuffer();
    expect(readEngineLoad(Buffer.from(page))).toEqual(load(1, 0, expect.any(Number)));
    leave.abort();
    await asked;
  });
});

describe('no load is told by', () => {
  test.each([
    ['nothing', ['']],
    ['other metrics', ['process_cpu_seconds_total 4', 'vllm:generation_tokens_total 5']],
    ['comments alone', ['# TYPE vllm:num_requests_running gauge']],
    ['names inside of others', [' vllm:num_requests_running 1', 'x{n="tgi_queue_size 3"} 1']],
    ['numbers that are none', ['vllm:num_requests_running NaN', 'vllm:num_requests_waiting +Inf']],
    ['negative numbers', ['vllm:num_requests_running -1']],
    ['a line cut short', ['vllm:num_requests_running{engine="0']],
    ['words', ['tgi_queue_size many', 'tgi_queue_size 3 of them', 'tgi_queue_size']],
    ['HTML', ['<!doctype html><title>vllm:num_requests_running 4</title>']],
    ['broken JSON', ['[{"numActiveRequests":1}']],
    ['other JSON', ['{"status":"ok"}']],
    ['JSON with words for numbers', ['[{"numActiveRequests":"1","numQueuedRequests":-1}]']],
    ['JSON without objects', ['[null]']],
  ])('%s', (_what, lines) => {
    expect(read(...lines)).toBeNull();
  });
});

describe('a page of a megabyte', () => {
  test('of nothing but the wanted name is read no further than its bound', () => {
    const lines = Array.from({ length: 40_000 }, () => 'tgi_queue_size 1');
    expect(read(...lines)).toEqual(load(0, 1_024, null));
  });

  test('in one line is not read at all', () => {
    const labels = 'x="y",'.repeat(150_000);
    expect(read(`vllm:num_requests_running{${labels}} 1`)).toBeNull();
  });

  test('with labels that never end takes no longer', () => {
    const line = `vllm:num_requests_running{${'a="\\"'.repeat(1_600)}`;
    expect(read(...Array.from({ length: 120 }, () => line))).toBeNull();
  });
});
