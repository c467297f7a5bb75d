import { LOG_SUBSYSTEMS } from '../observe/log-levels.ts';
import { getSecret, type Secrets, secretKey } from './check-references.ts';
import type {
  AdminConfig,
  AlertsConfig,
  LogConfig,
  MetricsConfig,
  TracesConfig,
} from './config.ts';
import { resolveListen } from './resolve-listen.ts';
import { durationOrOff } from './resolve-pool.ts';
import type { ConfigFile } from './schema.ts';
import { parseWebUrl } from './sink-address.ts';
import { parseShare, parseSize } from './units.ts';

export function resolveAdmin(
  { listen, keys }: ConfigFile['admin'],
  secrets: Secrets,
  folder: string,
): AdminConfig {
  return {
    listen: listen === null ? null : resolveListen(listen, folder),
    keys: Object.entries(keys).map(([name, { role }]) => ({
      name,
      secret: getSecret(secrets, ['admin', 'keys', name, 'key']),
      role,
    })),
  };
}

export function resolveMetrics(file: ConfigFile['metrics']): MetricsConfig {
  return { names: file.names, labels: file.labels, maxLabelValues: file.max_label_values };
}

export function resolveTraces(
  file: NonNullable<ConfigFile['traces']>,
  secrets: Secrets,
): TracesConfig {
  return {
    endpoint: parseWebUrl(file.endpoint).href,
    headers: Object.entries(file.headers).map(([name, value]) => [
      name.toLowerCase(),
      secrets.get(secretKey(['traces', 'headers', name])) ?? value,
    ]),
    sample: parseShare(file.sample),
    slowMs: durationOrOff(file.slow),
  };
}

export function resolveAlerts(file: ConfigFile['alerts'], secrets: Secrets): AlertsConfig {
  const { webhook, error_rate: errorRate, disk_free: diskFree } = file;
  return {
    webhook:
      webhook === undefined
        ? null
        : {
            url: parseWebUrl(webhook.url).href,
            secret: getSecret(secrets, ['alerts', 'webhook', 'secret']),
          },
    backendDownMs: durationOrOff(file.backend_down),
    errorRate: errorRate === 'off' ? null : parseShare(errorRate),
    queueMs: durationOrOff(file.queue),
    diskFreeBytes: diskFree === 'off' ? null : parseSize(diskFree),
    auditFailure: file.audit_failure,
  };
}

export function resolveLog({ level, levels, format }: ConfigFile['log']): LogConfig {
  const written: LogConfig['levels'] = Object.fromEntries(
    LOG_SUBSYSTEMS.flatMap((part) => (levels[part] === undefined ? [] : [[part, levels[part]]])),
  );
  return { level, levels: written, format };
}
