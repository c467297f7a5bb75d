import { nanoUsd } from '../../../src/core/money.ts';
import type { Price } from '../../../src/core/price.ts';
import { NO_USAGE } from '../../../src/core/usage.ts';
import type { FinishedRow } from '../../../src/store/rows.ts';

export const DAY_MS = 86_400_000;

const KEYS = 50;

const PRICE: Price = {
  ...{ input: 150_000, cachedInput: 75_000, cacheWrite: 150_000 },
  ...{ audioInput: 150_000, imageInput: 150_000 },
  ...{ output: 600_000, reasoning: 600_000, audioOutput: 600_000, imageOutput: 600_000 },
  ...{ tiers: [], gpuHour: 0 },
};

/** The request with this number, of one of fifty keys of five teams. */
export function aRow(at: number, startedAtMs: number): FinishedRow {
  const inputTokens = 200 + (at % 1_800);
  const outputTokens = 20 + (at % 480);
  return {
    id: Bun.randomUUIDv7('hex', startedAtMs),
    keyId: `K${String(at % KEYS).padStart(11, '0')}`,
    ...{ user: `user${at % KEYS}`, team: `team${at % 5}`, tenant: null, tags: {} },
    ...{ endpoint: 'chat', model: at % 3 === 0 ? 'large' : 'small', streamed: true, startedAtMs },
    ...{ backend: `gpu${at % 2}`, outcome: 'served', code: null, status: 200 },
    finishedAtMs: startedAtMs + 900,
    ...{ ttftMs: 20 + (at % 200), backendMs: 890 },
    usage: { ...NO_USAGE, inputTokens, outputTokens },
    ...{ usageSource: 'reported', estimated: false, attempts: 1, gpuUs: 0, contentRef: null },
    costNanoUsd: nanoUsd(inputTokens * 150 + outputTokens * 600),
    price: PRICE,
  };
}
