import { createHash } from 'node:crypto';
import { type AwsCredentials, encodeAwsPath, signAwsRequest } from './aws-signature.ts';
import { getBatchEnds } from './batch-ends.ts';
import type { AuditBatch } from './record.ts';
import { sendHttp } from './send-http.ts';
import type { Sink, SinkParts } from './sink.ts';

/** An object per second would be small and dear; rows wait this long to share one. */
const GATHER_MS = 60_000;

export interface S3SinkConfig extends AwsCredentials {
  readonly id: string;
  /** Scheme, host and port. */
  readonly endpoint: string;
  readonly bucket: string;
  /** What names of objects begin with; may be empty. */
  readonly prefix: string;
}

/** One object per batch in a bucket of Amazon S3 or of what speaks its protocol. */
export function createS3Sink(config: S3SinkConfig, parts: SinkParts): Sink {
  const { origin, host } = new URL(config.endpoint);
  return {
    id: config.id,
    type: 's3',
    gatherMs: GATHER_MS,
    write(batch, signal) {
      const path = encodeAwsPath(`/${config.bucket}/${toObjectKey(config.prefix, batch)}`);
      const body = batch.records.map(({ line }) => `${line}\n`).join('');
      const headers = signAwsRequest(
        {
          method: 'PUT',
          path,
          headers: {
            host,
            // Required by buckets with Object Lock, checked by all.
            'content-md5': createHash('md5').update(body, 'utf8').digest('base64'),
            'content-type': 'application/x-ndjson',
          },
          body,
          nowMs: parts.clock.nowMs(),
        },
        config,
      );
      return sendHttp({ method: 'PUT', url: `${origin}${path}`, headers, body }, parts, signal);
    },
    close: async () => {},
  };
}

/**
 * `prefix` `requests/2026/11/18/000000000001-000000000500.jsonl`: the day of the first record in
 * UTC, numbers padded so that names sort. A batch that is written again replaces itself.
 */
export function toObjectKey(prefix: string, batch: AuditBatch): string {
  const { first, last } = getBatchEnds(batch);
  const day = new Date(first.atMs).toISOString().slice(0, 10).replaceAll('-', '/');
  const range = [first.seq, last.seq].map((seq) => String(seq).padStart(12, '0')).join('-');
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  return `${folder}${batch.chain}/${day}/${range}.jsonl`;
}
