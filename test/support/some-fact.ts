import { NO_USAGE } from '../../src/core/usage.ts';
import type { AttemptTimes, SettledFact } from '../../src/observe/metrics/request-fact.ts';

/** A streamed chat that was served in a second. */
export function someFact(fields: Partial<SettledFact> = {}): SettledFact {
  return {
    endpoint: 'chat',
    model: 'small',
    outcome: 'served',
    code: null,
    backend: 'gpu0',
    streamed: true,
    durationMs: 1_000,
    ttftMs: 90,
    interTokenMs: 9,
    overheadMs: 0.03,
    queueMs: 0,
    usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 20 },
    costNanoUsd: 1_500,
    keyId: 'key-1',
    user: null,
    team: null,
    tenant: null,
    gpuUs: 0,
    ...fields,
  };
}

export function someAttempt(fields: Partial<AttemptTimes> = {}): AttemptTimes {
  return {
    endpoint: 'chat',
    model: 'small',
    durationMs: 990,
    ttftMs: 85,
    ...fields,
  };
}
