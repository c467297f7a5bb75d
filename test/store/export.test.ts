import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../src/core/clock.ts';
import { systemTimers } from '../../src/core/timers.ts';
import { createExporter, type Exporter } from '../../src/sinks/exporter.ts';
import { createFileSink } from '../../src/sinks/file-sink.ts';
import type { ExportCursors } from '../../src/sinks/record.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import { createWebhookSink } from '../../src/sinks/webhook-sink.ts';
import type { Store } from '../../src/store/store.ts';
import { startHttpReceiver } from '../support/http-receiver.ts';
import { createLogBook } from '../support/log-book.ts';
import { aFinishedRow, openTempStore, tempDir } from '../support/temp-store.ts';

// The whole way: a real store, the thread of the books, real sinks, real time. Nothing waits for a
// clock: closing an exporter writes what there is.

function startExporter(store: Store, sink: Sink, cursors: ExportCursors = store.exportCursors) {
  const { chainRows: reader } = store;
  const parts = { clock: systemClock, random: systemRandom, log: createLogBook().log };
  return createExporter({ sinks: [sink], reader, cursors, ...parts });
}

async function settle(store: Store, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, at) =>
      store.ledger.settle(aFinishedRow({ keyId: `K0000000000${at % 3}` }), []),
    ),
  );
}

function recordOf(store: Store, action: string): void {
  const event = { atMs: 1, actor: 'a', origin: 'o', target: '', before: null, after: null };
  store.audit.record({ ...event, action });
}

function exportedTo(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => {
    const { chain, seq } = JSON.parse(line);
    return `${chain} ${seq}`;
  });
}

const named = (chain: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `${chain} ${from + at}`);

test('every row of both chains is in the file once, over restarts', async () => {
  const dataDir = tempDir();
  const path = join(dataDir, 'audit.jsonl');
  for (const upTo of [1_300, 1_800, 1_800]) {
    await using temp = await openTempStore({ dataDir, worker: true });
    const { store } = temp;
    const exporter = startExporter(store, createFileSink({ id: 'file', path }));
    await settle(store, upTo - store.audit.heads().requests.seq);
    recordOf(store, 'gateway.start');
    exporter.nudge();
    await exporter.close();
    expect(exporter.exportedUpTo('requests')).toBe(upTo);
    expect(exporter.stats().sinks[0]).toMatchObject({ failures: 0, lagRows: 0 });
  }
  const exported = exportedTo(path);
  const ofChain = (chain: string) => exported.filter((name) => name.startsWith(chain));
  expect(ofChain('requests')).toEqual(named('requests', 1, 1_800));
  expect(ofChain('admin_events')).toEqual(named('admin_events', 1, 3));
});

test('killed between write and cursor: rows come twice, none is missing', async () => {
  const dataDir = tempDir();
  const path = join(dataDir, 'audit.jsonl');
  const run = async (cursors?: ExportCursors): Promise<Exporter> => {
    await using temp = await openTempStore({ dataDir, worker: true });
    await settle(temp.store, 10);
    const sink = createFileSink({ id: 'file', path });
    const exporter = startExporter(temp.store, sink, cursors);
    await exporter.close();
    return exporter;
  };
  const never: ExportCursors = {
    get: () => 0,
    move: () => {
      throw new Error('killed');
    },
  };
  await run(never);
  await run();
  expect(exportedTo(path)).toEqual([...named('requests', 1, 10), ...named('requests', 1, 20)]);
});

test('a receiver that is down at the end gets the rest at the next start', async () => {
  const dataDir = tempDir();
  await using receiver = startHttpReceiver();
  const seqsOf = () =>
    receiver.requests.map(({ body }) => {
      const { first_seq, last_seq } = JSON.parse(body).data;
      return `${first_seq}-${last_seq}`;
    });
  const run = async () => {
    await using temp = await openTempStore({ dataDir, worker: true });
    await settle(temp.store, 600);
    const parts = {
      clock: systemClock,
      timers: systemTimers,
      installId: temp.store.audit.installId,
    };
    const config = { id: 'hook', url: receiver.url, secret: 'secret' };
    await startExporter(temp.store, createWebhookSink(config, parts)).close();
  };
  receiver.answerWith(
    ({ body }) => new Response(null, { status: body.includes('"first_seq":1,') ? 200 : 500 }),
  );
  await run();
  expect(seqsOf()).toEqual(['1-500', '501-600']);
  receiver.answerWith(() => new Response(null, { status: 200 }));
  await run();
  expect(seqsOf().slice(2)).toEqual(['501-1000', '1001-1200']);
});
