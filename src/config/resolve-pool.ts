import type { HealthConfig, OverloadConfig, QueueConfig, RetryConfig } from './config.ts';
import type { ConfigFile } from './schema.ts';
import { parseDuration, parseShare, parseSize } from './units.ts';

export function resolveRetries(file: ConfigFile['retries']): RetryConfig {
  return {
    attempts: file.attempts,
    budget: parseShare(file.budget),
    backoffMs: parseDuration(file.backoff),
    maxWaitMs: parseDuration(file.max_wait),
    holdMs: parseDuration(file.hold),
    holdBytes: parseSize(file.hold_bytes),
  };
}

export function resolveQueue(file: ConfigFile['queue']): QueueConfig {
  return {
    maxWaiting: file.max_waiting,
    maxWaitMs: parseDuration(file.max_wait),
    fairBy: file.fair_by,
    weights: new Map(Object.entries(file.weights)),
    priorities: file.priorities,
    defaultPriority: file.default_priority,
    engineQueue: file.engine_queue,
    stickyTokens: file.sticky_tokens,
    keepAliveMs: durationOrOff(file.keep_alive),
  };
}

export function resolveHealth(file: ConfigFile['health']): HealthConfig {
  return {
    intervalMs: parseDuration(file.interval),
    timeoutMs: parseDuration(file.timeout),
    downAfter: file.down_after,
    upAfter: file.up_after,
    slowStartMs: durationOrOff(file.slow_start) ?? 0,
    breaker: {
      errorRate: parseShare(file.breaker.error_rate),
      minAttempts: file.breaker.min_attempts,
      windowMs: parseDuration(file.breaker.window),
      openMs: parseDuration(file.breaker.open),
    },
    loadIntervalMs: parseDuration(file.load_interval),
  };
}

export function resolveOverload(file: ConfigFile['overload']): OverloadConfig {
  return {
    bytesInFlight: parseSize(file.bytes_in_flight),
    requestsInFlight: file.requests_in_flight,
    lagMs: durationOrOff(file.lag),
    perAddress: file.per_address === 'off' ? null : file.per_address,
  };
}

/** null for `off`. */
export function durationOrOff(text: string): number | null {
  return text === 'off' ? null : parseDuration(text);
}
