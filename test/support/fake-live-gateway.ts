import type { PriceView } from '../../src/admin/gateway-schemas.ts';
import type { LiveGateway } from '../../src/admin/live-gateway.ts';
import type { Key } from '../../src/core/key.ts';
import { createBudgetBook } from '../../src/pricing/budgets.ts';
import { createFakeClock } from './fake-clock.ts';
import { someLiveDocument } from './some-live-document.ts';

const PRICE: PriceView = {
  input_per_million_usd: '0.12',
  cached_input_per_million_usd: '0.03',
  cache_write_per_million_usd: '0.12',
  audio_input_per_million_usd: '0.12',
  image_input_per_million_usd: '0.12',
  output_per_million_usd: '0.36',
  reasoning_per_million_usd: '0.36',
  audio_output_per_million_usd: '0.36',
  image_output_per_million_usd: '0.36',
  tiers: [],
  gpu_hour_usd: '0',
};

export interface FakeLiveGateway extends LiveGateway {
  /** Every key that it was told of, in order. */
  readonly told: Key[];
}

/** A gateway that says what the test wants and remembers what it heard. */
export function createFakeLiveGateway(change: Partial<LiveGateway> = {}): FakeLiveGateway {
  const told: Key[] = [];
  return {
    told,
    budgets: createBudgetBook({ rules: [], clock: createFakeClock() }),
    keyChanged: (key) => {
      told.push(key);
    },
    status: () => ({
      version: '0.1.0',
      started_at: '2026-11-18T10:00:00.000Z',
      generation: 3,
      config_file: '/etc/llmgate/config.yaml',
      listen: 'http://127.0.0.1:8080',
      draining: false,
      in_flight: 2,
      requests: 110,
      unauthenticated: 7,
      clamped_usages: 0,
      ledger: {
        commits: 40,
        rows_opened: 102,
        rows_settled: 100,
        queued: 0,
        unwritten: 0,
        dropped: 0,
      },
      unrecorded: 0,
      tags_left_out: 0,
      budgets: { refused: 4, holds: 2, held_usd: '0.5', overruns: 0, overrun_usd: '0' },
      audit: { checkpoints: 1, failures: 0 },
      content: { kept: 0, lost: { room: 0 }, failing: false },
      retention: {
        ...{ purged_rows: 0, runs: 0, last_run_at: null },
        ...{ failures: 0, failing: false, waits_ms: 0 },
      },
      exports: [],
      alerts: null,
    }),
    models: () => [
      {
        name: 'llama',
        aliases: ['l'],
        source: 'config',
        targets: [
          { backend: 'gpu0', model: 'llama', price: PRICE },
          { backend: 'cloud', model: 'big', price: PRICE },
        ],
        price: PRICE,
        context_tokens: 131072,
        max_output_tokens: null,
      },
    ],
    backends: () => [
      {
        id: 'gpu0',
        type: 'vllm',
        url: 'http://127.0.0.1:8000',
        state: 'down',
        error: 'connection refused',
        checked_at: '2026-11-18T10:29:58.000Z',
        models: [],
        in_flight: 0,
        labels: [],
        drained: false,
        breaker: 'closed',
        places: null,
        ttft_ms: null,
        engine: null,
        process: null,
      },
    ],
    live: (since, lists) => {
      const document = someLiveDocument(60, undefined, since);
      return {
        ...document,
        callers: lists.includes('callers') ? document.callers : null,
        requests: lists.includes('requests') ? document.requests : null,
      };
    },
    explain: {
      inFlight: () => [],
      story: () => undefined,
      dryRun: () => Promise.reject(new Error('no gate is here to ask')),
    },
    drainBackend: (id) => id === 'gpu0',
    resumeBackend: (id) => id === 'gpu0',
    cancelRequest: () => false,
    reload: async () => ({ ok: true, generation: 4, problems: '' }),
    sumsRebuilt: async () => {},
    checkLive: async () => [],
    ...change,
  };
}
