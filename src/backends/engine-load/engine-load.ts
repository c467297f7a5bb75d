import type { EngineLoad } from '../../routing/replica.ts';
import { readIterationStats } from './iteration-stats.ts';
import { findSamples, type Sample } from './prometheus-text.ts';

/** Where a figure is found: a name, and a label that must have this value. */
type Place = readonly [name: string, label?: string, value?: string];

interface Engine {
  readonly running: Place;
  readonly waiting: Place;
  /** Newer names first. */
  readonly kvUsed: readonly Place[];
}

/** What is read decides, not what the configuration calls the backend: gateways stand in between. */
const ENGINES: readonly Engine[] = [
  {
    running: ['vllm:num_requests_running'],
    waiting: ['vllm:num_requests_waiting'],
    kvUsed: [['vllm:kv_cache_usage_perc'], ['vllm:gpu_cache_usage_perc']],
  },
  {
    running: ['sglang:num_running_reqs'],
    waiting: ['sglang:num_queue_reqs'],
    kvUsed: [['sglang:token_usage']],
  },
  {
    running: ['tgi_batch_current_size'],
    waiting: ['tgi_queue_size'],
    kvUsed: [],
  },
  {
    running: ['llamacpp:requests_processing'],
    waiting: ['llamacpp:requests_deferred'],
    kvUsed: [['llamacpp:kv_cache_usage_ratio']],
  },
  {
    running: ['trtllm_num_requests_running'],
    waiting: ['trtllm_num_requests_waiting'],
    kvUsed: [['trtllm_kv_cache_utilization']],
  },
  {
    // TensorRT-LLM behind Triton.
    running: ['nv_trt_llm_request_metrics', 'request_type', 'scheduled'],
    waiting: ['nv_trt_llm_request_metrics', 'request_type', 'waiting'],
    kvUsed: [['nv_trt_llm_kv_cache_block_metrics', 'kv_cache_block_type', 'fraction']],
  },
];

/** No engine has more requests: a page that says so must not put infinity into the scheduler. */
const REQUESTS_MAX = 1_000_000;

/**
 * The load that an engine's metrics page tells, of whichever engine it is. Null when it tells none.
 * Figures of several models or engines behind one address are added up; of their caches the fullest
 * counts.
 */
export function readEngineLoad(page: Buffer): EngineLoad | null {
  const load = findLoad(page);
  if (load === null) return null;
  const { running, waiting, kvUsed } = load;
  return {
    running: Math.min(running, REQUESTS_MAX),
    waiting: Math.min(waiting, REQUESTS_MAX),
    kvUsed,
  };
}

function findLoad(page: Buffer): EngineLoad | null {
  const first = page.subarray(0, 64).find((byte) => byte > 0x20);
  if (first === 0x5b || first === 0x7b) return readIterationStats(page.toString('utf8'));
  for (const engine of ENGINES) {
    const running = findValues(page, engine.running);
    const waiting = findValues(page, engine.waiting);
    // TGI leaves a gauge out until it was first set.
    if (running.length + waiting.length === 0) continue;
    return { running: sum(running), waiting: sum(waiting), kvUsed: findKvUsed(page, engine) };
  }
  return null;
}

function findKvUsed(page: Buffer, { kvUsed }: Engine): number | null {
  for (const place of kvUsed) {
    const values = findValues(page, place);
    if (values.length > 0) return Math.min(1, Math.max(...values));
  }
  return null;
}

function findValues(page: Buffer, [name, label, value]: Place): number[] {
  return findSamples(page, name)
    .filter((sample) => sample.value >= 0 && isWhole(sample))
    .filter((sample) => label === undefined || sample.label(label) === value)
    .map((sample) => sample.value);
}

/**
 * SGLang can repeat a figure for every rank of a tensor or pipeline, and break it down by priority
 * beside the whole, whose label is then empty.
 */
function isWhole(sample: Sample): boolean {
  const isFirst = (name: string) => (sample.label(name) ?? '0') === '0';
  return isFirst('tp_rank') && isFirst('pp_rank') && (sample.label('priority') ?? '') === '';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
