import type { Config, ExportConfig, ScaleStepConfig, WebhookConfig } from '../config/config.ts';

/** Every secret that a configuration holds: what must show in no log, whoever lets it slip. */
export function configSecrets(config: Config): ReadonlySet<string> {
  const { backends, admin, audit, alerts, traces, scaleHooks } = config;
  const secrets = new Set<string>();
  for (const { apiKeys, headers, process } of backends) {
    add(secrets, apiKeys);
    add(secrets, partsOf(headers));
    add(secrets, process?.secrets ?? []);
  }
  add(secrets, partsOf(traces?.headers ?? []));
  add(
    secrets,
    admin.keys.map(({ secret }) => secret),
  );
  for (const each of audit.exports) add(secrets, exportSecrets(each));
  for (const key of audit.contentKeys) {
    add(secrets, [Buffer.from(key).toString('hex'), Buffer.from(key).toString('base64')]);
  }
  // A document is written to a log line by line, or with its breaks escaped.
  add(secrets, audit.signingKey?.split('\n').filter((line) => !line.startsWith('-----')) ?? []);
  add(secrets, webhookSecrets(alerts.webhook));
  for (const { up, down } of scaleHooks) add(secrets, [...stepSecrets(up), ...stepSecrets(down)]);
  return secrets;
}

function add(secrets: Set<string>, more: Iterable<string>): void {
  for (const secret of more) secrets.add(secret);
}

/** `Bearer abc` is no secret as a whole: its parts are. */
function partsOf(headers: readonly (readonly [name: string, value: string])[]): string[] {
  return headers.flatMap(([, value]) => value.split(/\s+/));
}

function exportSecrets(sink: ExportConfig): readonly string[] {
  if (sink.type === 's3') return [sink.secretAccessKey, sink.accessKeyId];
  return sink.type === 'webhook' ? webhookSecrets(sink) : [];
}

function stepSecrets(step: ScaleStepConfig | null): readonly string[] {
  return step?.action.kind === 'webhook' ? webhookSecrets(step.action) : [];
}

/** What a receiver of webhooks is addressed by is often all that it asks for. */
function webhookSecrets(webhook: WebhookConfig | null): readonly string[] {
  if (webhook === null) return [];
  const { pathname, search } = new URL(webhook.url);
  const path = `${pathname}${search}`;
  return path.length > 1 ? [webhook.secret, path] : [webhook.secret];
}
