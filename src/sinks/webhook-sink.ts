import { getBatchEnds } from './batch-ends.ts';
import type { AuditBatch } from './record.ts';
import type { Sink, SinkParts } from './sink.ts';
import { createWebhook, type WebhookAddress } from './webhook.ts';

/** One signed POST per batch. */
export function createWebhookSink(
  config: WebhookAddress & { readonly id: string },
  parts: SinkParts,
): Sink {
  const webhook = createWebhook(config, parts);
  return {
    id: config.id,
    type: 'webhook',
    gatherMs: 0,
    write(batch, signal) {
      const { first, last } = getBatchEnds(batch);
      const id = `${parts.installId}_${batch.chain}_${first.seq}-${last.seq}`;
      return webhook.post({ id, body: renderBatch(batch) }, signal);
    },
    close: async () => {},
  };
}

/** The records are JSON already: they are joined, not parsed and written again. */
function renderBatch(batch: AuditBatch): string {
  const { first, last } = getBatchEnds(batch);
  const data = JSON.stringify({
    chain: batch.chain,
    first_seq: first.seq,
    last_seq: last.seq,
    count: batch.records.length,
  });
  // The time of the last record, so that a repeat has the same bytes.
  const timestamp = new Date(last.atMs).toISOString();
  const lines = batch.records.map(({ line }) => line).join(',');
  return `{"type":"audit.batch","timestamp":"${timestamp}","data":${data.slice(0, -1)},"records":[${lines}]}}`;
}
