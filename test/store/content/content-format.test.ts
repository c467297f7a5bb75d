import { createDecipheriv, createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { CONTENT_KEY, openTempContent, requestId } from '../../support/temp-content.ts';
import { aKey } from '../../support/temp-store.ts';

// What `docs/content.md` says under "Opening it without llmgate", step by step, with nothing of
// llmgate's own: content that was kept today must be readable in ten years.

type Row = Readonly<Record<string, unknown>>;

test('captured content can be opened by following the description', async () => {
  const { content, capture, dataDir } = await openTempContent({ capBytes: 1_000 });
  const id = requestId(1);
  const key = aKey({ id: 'K00000000ADA', user: 'ada "a"', tenant: 'uni' });
  const request = '{"prompt":"hé"}';
  const answer = 'y'.repeat(2_000);
  const reference = await capture({ id, key, request, answer: [answer] });
  await content.close();

  const db = openSqlite(join(dataDir, 'content.db'), { busyTimeoutMs: 0, mustExist: true });
  const row = db.prepare<[], Row>('SELECT c.*, hex(id) AS hex FROM contents c').get() as Row;
  const dataKey = db
    .prepare<[number], Row>('SELECT * FROM data_keys WHERE id = ?')
    .get(Number(row['data_key'])) as Row;
  db.close();
  expect(String(row['hex']).toLowerCase()).toBe(id.replaceAll('-', ''));

  const contentKeyHash = createHash('sha256').update(CONTENT_KEY).digest();
  expect(dataKey['content_key']).toEqual(contentKeyHash.subarray(0, 8));
  const owner = ['key_id', 'user', 'team', 'tenant', 'created_at_ms'].map((name) => dataKey[name]);
  const plainKey = decrypt(CONTENT_KEY, dataKey['wrapped'], [
    'llmgate data key 1',
    JSON.stringify(owner),
  ]);
  const open = (column: string, sizeBytes: unknown, truncated: unknown) =>
    decrypt(plainKey, row[column], [
      ...['llmgate content 1', id, column, row['mode']],
      ...[sizeBytes, truncated].map(String),
    ]);
  const salt = open('salt', 32, 0);
  const plainRequest = Bun.zstdDecompressSync(
    open('request', row['request_bytes'], row['request_truncated']),
  );
  const plainAnswer = Bun.zstdDecompressSync(
    open('answer', row['answer_bytes'], row['answer_truncated']),
  );
  expect(plainRequest.toString()).toBe(request);
  expect(plainAnswer.toString()).toBe('y'.repeat(1_000));
  expect([row['answer_bytes'], row['answer_truncated']]).toEqual([2_000, 1]);
  const length = Buffer.from([0, 0, 0, 0, 0, 0, 0, Buffer.byteLength(request)]);
  const computed = createHash('sha256')
    .update(salt)
    .update(length)
    .update(plainRequest)
    .update(plainAnswer)
    .digest();
  expect(new Uint8Array(computed)).toEqual(reference);
});

function decrypt(key: Uint8Array, sealed: unknown, context: readonly unknown[]): Buffer {
  const bytes = Buffer.from(sealed as Uint8Array);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAAD(Buffer.from(context.join('\n')));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
}
