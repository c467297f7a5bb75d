import { resolve } from 'node:path';
import { parseContentKey } from './audit-keys.ts';
import { getSecret, type Secrets } from './check-references.ts';
import type { AuditConfig, ExportConfig } from './config.ts';
import { endpointOf, exportId } from './export-id.ts';
import type { ConfigFile } from './schema.ts';
import { parseSyslogAddress, parseWebUrl } from './sink-address.ts';
import { parseDuration, parseSize } from './units.ts';

type AuditFile = ConfigFile['audit'];
type ExportFile = AuditFile['export'][number];

export function resolveAudit(file: AuditFile, secrets: Secrets, folder: string): AuditConfig {
  const keyPaths = file.previous_content_keys.map((_, index) => ['previous_content_keys', index]);
  if (file.content_key !== undefined) keyPaths.unshift(['content_key']);
  return {
    content: file.content,
    contentKeys: keyPaths.map((path) => parseContentKey(getSecret(secrets, ['audit', ...path]))),
    contentCapBytes: parseSize(file.content_cap),
    contentRetentionMs: parseDuration(file.content_retention),
    retentionMs: parseDuration(file.retention),
    adminRetentionMs: parseDuration(file.admin_retention),
    onFailure: file.on_failure,
    checkpointIntervalMs: parseDuration(file.checkpoint_interval),
    signingKey:
      file.signing_key === undefined ? null : getSecret(secrets, ['audit', 'signing_key']),
    exports: file.export.map((sink, index) => {
      const secretAt = (key: string) => getSecret(secrets, ['audit', 'export', index, key]);
      return resolveExport(sink, secretAt, folder);
    }),
  };
}

function resolveExport(
  sink: ExportFile,
  secretAt: (key: string) => string,
  folder: string,
): ExportConfig {
  const id = exportId(sink, folder);
  switch (sink.type) {
    case 'file':
      return { type: 'file', id, path: resolve(folder, sink.path) };
    case 'syslog':
      return { type: 'syslog', id, ...parseSyslogAddress(sink.address) };
    case 's3':
      return {
        type: 's3',
        id,
        endpoint: endpointOf(sink),
        region: sink.region,
        bucket: sink.bucket,
        prefix: sink.prefix,
        accessKeyId: secretAt('access_key_id'),
        secretAccessKey: secretAt('secret_access_key'),
      };
    case 'webhook':
      return { type: 'webhook', id, url: parseWebUrl(sink.url).href, secret: secretAt('secret') };
  }
}
