import { ZERO_USD } from '../../src/core/money.ts';
import type { Price } from '../../src/core/price.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import type { FinishedRow, OpenRow } from '../../src/store/rows.ts';

/** A request in flight on a model without a price. */
export function anOpenRow(change: Partial<OpenRow> = {}): OpenRow {
  return {
    id: Bun.randomUUIDv7(),
    keyId: 'K00000000001',
    user: null,
    team: null,
    tenant: null,
    tags: {},
    endpoint: 'chat',
    model: 'small',
    streamed: false,
    startedAtMs: 1_763_600_000_000,
    backend: 'gpu0',
    inputTokensEstimate: 10,
    holdNanoUsd: ZERO_USD,
    price: null,
    ...change,
  };
}

/** A request that was served on a model without a price and used nothing. */
export function aFinishedRow(change: Partial<FinishedRow> = {}): FinishedRow {
  return {
    id: Bun.randomUUIDv7(),
    keyId: 'K00000000001',
    user: null,
    team: null,
    tenant: null,
    tags: {},
    endpoint: 'chat',
    model: 'small',
    streamed: false,
    startedAtMs: 1_763_600_000_000,
    backend: 'gpu0',
    outcome: 'served',
    code: null,
    status: 200,
    finishedAtMs: 1_763_600_000_250,
    ttftMs: 12.5,
    backendMs: 249,
    usage: NO_USAGE,
    usageSource: 'reported',
    estimated: false,
    costNanoUsd: null,
    price: null,
    attempts: 1,
    gpuUs: 0,
    contentRef: null,
    ...change,
  };
}

/** Each kind of input costs what input does, each kind of output what output does. */
export function aPrice(
  said: { readonly input: number; readonly output: number } & Partial<Price>,
): Price {
  const { input, output } = said;
  return {
    cachedInput: input,
    cacheWrite: input,
    audioInput: input,
    imageInput: input,
    reasoning: output,
    audioOutput: output,
    imageOutput: output,
    tiers: [],
    gpuHour: 0,
    ...said,
  };
}
