import { resolve } from 'node:path';
import { fromUsd } from '../core/money.ts';
import type { LimitRule, Rate } from '../limits/rule.ts';
import type { BudgetRule } from '../pricing/budget-rule.ts';
import { parseBackendUrl } from './backend-url.ts';
import { type Secrets, secretKey } from './check-references.ts';
import type { BackendConfig, Config, Listen, ModelConfig } from './config.ts';
import { parseListenAddress } from './listen-address.ts';
import { resolveAlertWebhook, resolveAudit } from './resolve-audit.ts';
import { resolvePrice } from './resolve-price.ts';
import { type ConfigFile, OPENAI_URL } from './schema.ts';
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
      resolveBackend(id, backend, secrets),
    ),
    models: Object.entries(file.models).map(([name, model]) => resolveModel(name, model)),
    timeouts: {
      connectMs: parseDuration(file.timeouts.connect),
      firstByteMs: parseDuration(file.timeouts.first_byte),
      idleMs: parseDuration(file.timeouts.idle),
      totalMs: parseDuration(file.timeouts.total),
    },
    limits: file.limits.map(resolveLimit),
    budgets: file.budgets.map(resolveBudget),
    unpricedModels: file.unpriced_models,
    maxBodyBytes: parseSize(file.max_body),
    timezone: parseTimezone(file.timezone),
    audit: resolveAudit(file.audit, secrets, folder),
    usage: { retentionMs: parseDuration(file.usage.retention) },
    alerts: { webhook: resolveAlertWebhook(file.alerts, secrets) },
    log: file.log,
  });
}

function resolveListen(listen: ConfigFile['listen'], folder: string): Listen {
  if (typeof listen === 'string') return { ...parseListenAddress(listen), tls: null };
  const { address, tls } = listen;
  if (tls === undefined) return { ...parseListenAddress(address), tls: null };
  const certFile = resolve(folder, tls.cert_file);
  const keyFile = resolve(folder, tls.key_file);
  return { ...parseListenAddress(address), tls: { certFile, keyFile } };
}

function resolveBackend(
  id: string,
  backend: ConfigFile['backends'][string],
  secrets: Secrets,
): BackendConfig {
  const secretAt = (...path: string[]) => secrets.get(secretKey(['backends', id, ...path]));
  return {
    id,
    type: backend.type,
    url: parseBackendUrl(backend.url ?? OPENAI_URL),
    apiKey: secretAt('api_key') ?? null,
    headers: Object.entries(backend.headers).map(([name, value]) => [
      name.toLowerCase(),
      secretAt('headers', name) ?? value,
    ]),
    discover: backend.discover,
  };
}

function resolveModel(name: string, model: ConfigFile['models'][string]): ModelConfig {
  return {
    name,
    aliases: model.aliases,
    targets: model.targets.map((target) =>
      typeof target === 'string'
        ? { backend: target, model: name, price: null }
        : {
            backend: target.backend,
            model: target.model ?? name,
            price: target.price === undefined ? null : resolvePrice(target.price),
          },
    ),
    price: model.price === undefined ? null : resolvePrice(model.price),
    contextTokens: model.context_tokens ?? null,
    maxOutputTokens: model.max_output_tokens ?? null,
  };
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
