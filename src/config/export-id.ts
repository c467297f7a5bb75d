import { resolve } from 'node:path';
import type { ConfigFile } from './schema.ts';
import { parseSyslogAddress, parseWebUrl } from './sink-address.ts';

type ExportFile = ConfigFile['audit']['export'][number];

/**
 * The type and the target: what two sinks of a file never share, and what stays the same across
 * restarts and changes of secrets. What follows the host of a webhook is often the credential, so
 * it is there as a digest only: ids stand in logs, in the books and in what `status` prints.
 */
export function exportId(sink: ExportFile, folder: string): string {
  switch (sink.type) {
    case 'file':
      return `file:${resolve(folder, sink.path)}`;
    case 'syslog': {
      const { transport, hostname, port } = parseSyslogAddress(sink.address);
      return `syslog:${transport}://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
    }
    case 's3':
      return `s3:${endpointOf(sink)}/${sink.bucket}/${sink.prefix}`;
    case 'webhook': {
      const { origin, pathname, search } = parseWebUrl(sink.url);
      return `webhook:${origin}/${Bun.SHA256.hash(pathname + search, 'hex').slice(0, 12)}`;
    }
  }
}

/** Scheme, host and port of an S3 service. */
export function endpointOf({ endpoint, region }: ExportFile & { readonly type: 's3' }): string {
  return endpoint === undefined
    ? `https://s3.${region}.amazonaws.com`
    : parseWebUrl(endpoint).origin;
}
