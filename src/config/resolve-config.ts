import { resolve } from 'node:path';
import { fromUsd } from '../core/money.ts';
import type { LimitRule, Rate } from '../limits/rule.ts';
import type { BudgetRule } from '../pricing/budget-rule.ts';
import type { Secrets } from './check-references.ts';
import type { Config } from './config.ts';
import { resolveAudit } from './resolve-audit.ts';
import { resolveBackend } from './resolve-backend.ts';
import { resolveListen } from './resolve-listen.ts';
import { resolveModel } from './resolve-model.ts';
import { resolveHealth, resolveOverload, resolveQueue, resolveRetries } from './resolve-pool.ts';
import { resolveScale } from './resolve-scale.ts';
import {
  resolveAdmin,
  resolveAlerts,
  resolveLog,
  resolveMetrics,
  resolveTraces,
} from './resolve-watch.ts';
import type { ConfigFile } from './schema.ts';
import { parseTimezone } from './timezone.ts';
import { parseDuration, parsePercentage, parseRate, parseSize } from './units.ts';

/**
 * A file without problems as the configuration that the program runs on, frozen all the way down.
 * Relative paths start from `folder`.
 */
export function resolveConfig(file: ConfigFile, secrets: Secrets, folder: string): Config {
  return deepFreeze({
    listen: resolveListen(file.listen, folder),
    dataDir: resolve(folder, file.data_dir),
    durability: file.durability,
    backends: Object.entries(file.backends).map(([id, backend]) =>
      resolveBackend(id, backend, { secrets, folder }),
    ),
    models: Object.entries(file.models).map(([name, model]) => resolveModel(name, model)),
    timeouts: {
      connectMs: parseDuration(file.timeouts.connect),
      firstByteMs: parseDuration(file.timeouts.first_byte),
      idleMs: parseDuration(file.timeouts.idle),
      totalMs: parseDuration(file.timeouts.total),
    },
    retries: resolveRetries(file.retries),
    queue: resolveQueue(file.queue),
    health: resolveHealth(file.health),
    overload: resolveOverload(file.overload),
    limits: file.limits.map(resolveLimit),
    budgets: file.budgets.map(resolveBudget),
    unpricedModels: file.unpriced_models,
    maxBodyBytes: parseSize(file.max_body),
    timezone: parseTimezone(file.timezone),
    audit: resolveAudit(file.audit, secrets, folder),
    usage: { retentionMs: parseDuration(file.usage.retention) },
    alerts: resolveAlerts(file.alerts, secrets),
    scaleHooks: resolveScale(file.scale, { secrets, folder }),
    admin: resolveAdmin(file.admin, secrets, folder),
    metrics: resolveMetrics(file.metrics),
    traces: file.traces === undefined ? null : resolveTraces(file.traces, secrets),
    gpu: file.gpu,
    log: resolveLog(file.log),
  });
}

function resolveLimit(limit: ConfigFile['limits'][number]): LimitRule {
  const rate = (text: string | undefined): Rate | null => {
    if (text === undefined) return null;
    const { count, windowMs } = parseRate(text);
    return { count, windowMs, burst: limit.burst ?? count };
  };
  return {
    per: limit.per,
    model: limit.model ?? null,
    endpoint: limit.endpoint ?? null,
    requests: rate(limit.requests),
    tokens: rate(limit.tokens),
    concurrent: limit.concurrent ?? null,
  };
}

function resolveBudget(budget: ConfigFile['budgets'][number]): BudgetRule {
  const { per, name, usd, tokens, window } = budget;
  return {
    per,
    name: name ?? null,
    measure: usd === undefined ? 'tokens' : 'usd',
    limit: usd === undefined ? (tokens ?? 0) : fromUsd(usd),
    window,
    alertAt: budget.alert_at.map(parsePercentage),
    onExceed: budget.on_exceed,
  };
}

function deepFreeze<T>(value: T): T {
  // The bytes of a typed array cannot be frozen.
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
